using PatchKit.Checkpoints;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using PatchKit.Models;
using PatchKit.Tests.Checkpoints;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Tests.Cli;

/// <summary>
/// The ViT of models/vit.pth with its configuration in a file and ten class folders of fixture images, as commands and
/// the library are given them.
/// </summary>
internal sealed class ScoredModel : IDisposable
{
    private static readonly string[] Fixture =
    [
        "colour.png",
        "progressive.jpg",
        "grey.jpg",
        "cmyk.jpg",
        "palette_4.png",
        "orientation_6.jpg",
        "interlaced.png",
    ];
    private readonly string _folder = ImageFiles.Scratch();
    private readonly VisionTransformer _model = new(PthGolden.Vit);

    internal ScoredModel()
    {
        using var scope = NewDisposeScope();
        using var file = CheckpointFile.Open(Checkpoint);
        ModelCheckpoint.Load(_model, file.StateDict());
        _model.eval();
        File.WriteAllText(
            this["vit.json"],
            """{ "embedDim": 48, "depth": 3, "heads": 3, "height": 32, "width": 32, "patchSize": 4, "$type": "vit" }"""
        );
        for (int label = 0; label < Classes; label++)
        for (int i = 0; i <= label % 3; i++)
            Put($"val/{ClassFolder(label)}/{i}", Fixture[(2 * label + i) % Fixture.Length]);
    }

    internal static int Classes => PthGolden.Vit.Classes;

    internal static string Checkpoint => Fixtures.PathOf("models/vit.pth");

    /// <summary>A path in a folder of its own.</summary>
    internal string this[string name] => Path.Combine(_folder, name);

    /// <summary>The options that choose the model.</summary>
    internal string[] Options => ["--model", this["vit.json"], "--checkpoint", Checkpoint, "--device", "cpu"];

    internal ImageFolder Images => new(this["val"]);

    /// <summary>Named as ImageNet's are.</summary>
    internal static string ClassFolder(int label) => $"n{1440764 + label:D8}";

    /// <summary>Puts a fixture image at a path without its ending.</summary>
    internal void Put(string path, string fixture)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[path])!);
        File.Copy(Path.Combine(ImageFiles.Folder, fixture), this[path] + Path.GetExtension(fixture));
    }

    /// <summary>The scores of one image, by the library: (classes).</summary>
    internal double[] Scores(Image image, double cropRatio = 1)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var planes = new float[3 * 32 * 32];
        var random = new SampleRandom(0, 0, 0);
        new EvalTransform(32, cropRatio).Apply(image, planes, ref random);
        return _model.call(tensor(planes, [1, 3, 32, 32]))[0].to(float64).data<double>().ToArray();
    }

    /// <summary>Loss, top-1 and top-5 of some images, one by one.</summary>
    internal (double Loss, double Top1, double Top5) Score(
        IImageSource set,
        IEnumerable<int> indices,
        double cropRatio = 1
    )
    {
        var ranks = new List<(double Loss, int Better)>();
        foreach (int index in indices)
        {
            using var image = set.Read(index);
            double[] scores = Scores(image, cropRatio);
            double own = scores[set.Label(index)];
            ranks.Add((Math.Log(scores.Sum(score => Math.Exp(score - own))), scores.Count(score => score > own)));
        }
        return (
            ranks.Average(rank => rank.Loss),
            ranks.Average(rank => rank.Better < 1 ? 1 : 0),
            ranks.Average(rank => rank.Better < 5 ? 1 : 0)
        );
    }

    public void Dispose()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
