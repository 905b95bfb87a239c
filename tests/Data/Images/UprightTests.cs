using System.Text.Json;
using PatchKit.Checkpoints;
using PatchKit.Cli;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using PatchKit.Models;
using PatchKit.Tests.Cli;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Data.Images;

/// <summary>
/// Training and scoring read a file alike: photographs are turned upright by EXIF everywhere, and left as they are
/// stored where that is asked for. In the field training turned them and prediction did not:
/// https://github.com/ultralytics/yolov5/issues/405, https://github.com/pytorch/vision/issues/7977,
/// https://github.com/fastai/fastai/issues/3565.
/// </summary>
public sealed class UprightTests : IDisposable
{
    private const int Width = 12,
        Height = 8;
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    public static TheoryData<int> Orientations => [.. Enumerable.Range(1, 8)];

    [Theory, MemberData(nameof(Orientations))]
    public void PngsOfAllOrientationsBecomeThePictureThatWasTaken(int orientation)
    {
        string path = _scratch.Put("set/a/photo.png", Photo(orientation));
        using var image = new ImageFolder(_scratch["set"]).Read(0);
        Assert.Equal((Width, Height), (image.Width, image.Height));
        for (int y = 0; y < Height; y++)
        for (int x = 0; x < Width; x++)
            Assert.Equal(Scene(x, y), (image.Row(y)[3 * x], image.Row(y)[3 * x + 1], image.Row(y)[3 * x + 2]));
        using var stored = ImageCodec.Read(path, DecodeOptions.Official);
        Assert.Equal(orientation >= 5 ? (Height, Width) : (Width, Height), (stored.Width, stored.Height));
    }

    [Theory, MemberData(nameof(Orientations))]
    public void JpegsOfAllOrientationsAreTurnedAsPngsAre(int orientation)
    {
        // One picture, stored by Pillow under each orientation without being turned.
        using Image photo = ImageCodec.Read(Path.Combine(ImageFiles.Folder, $"orientation_{orientation}.jpg")),
            plain = ImageCodec.Read(Path.Combine(ImageFiles.Folder, "orientation_1.jpg"));
        var (width, height) = orientation >= 5 ? (plain.Height, plain.Width) : (plain.Width, plain.Height);
        Assert.Equal((width, height), (photo.Width, photo.Height));
        for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
        {
            var (sx, sy) = Pngs.Stored(orientation, x, y, width, height);
            Assert.True(
                photo.Row(y).Slice(3 * x, 3).SequenceEqual(plain.Row(sy).Slice(3 * sx, 3)),
                $"column {x}, row {y}"
            );
        }
    }

    [Fact]
    public void EvalAndPredictSeeWhatTrainingSaw()
    {
        string[] options = Model();
        for (int i = 0; i < 8; i++)
        {
            _scratch.Put($"turned/{"ab"[i % 2]}/{i}.png", Photo(1 + i, i));
            _scratch.Put($"upright/{"ab"[i % 2]}/{i}.png", Photo(1, i));
        }
        string turned = Eval(options, "turned"),
            upright = Eval(options, "upright"),
            stored = Eval([.. options, "--orientation", "as-stored"], "turned");
        Assert.Equal(Loss(upright), Loss(turned), 1e-12);
        Assert.NotEqual(Loss(upright), Loss(stored), 1e-6);
        Assert.Equal(
            ("upright", "as-stored"),
            (Read(turned, "orientation").GetString(), Read(stored, "orientation").GetString())
        );
        for (int i = 0; i < 8; i++)
            Assert.Equal(
                Predict(options, $"upright/{"ab"[i % 2]}/{i}.png"),
                Predict(options, $"turned/{"ab"[i % 2]}/{i}.png")
            );
    }

    // A sibling: images of `data generate` were normalised as photographs where a run on generated images was scored on
    // them.
    [Fact]
    public void ARunIsScoredWithTheNormalizationThatItLearntWith()
    {
        Model();
        var run = new RunConfig
        {
            Model = SmallNet.Vit(8, 4, 16),
            Recipe = RecipeBook.Find("smoke"),
            Data = new GeneratedDataConfig(),
        };
        RunFile.WriteJson(_scratch["config.json"], run);
        _scratch.Put("grey.png", Pngs.OfRgb(8, 8, (_, _) => (128, 128, 128)));
        string[] generated = ["--model", _scratch["config.json"], "--checkpoint", _scratch["model.safetensors"]];
        double[] found = Probabilities(Predict(generated, "grey.png"));
        using var scope = NewDisposeScope();
        using var model = SmallNet.Vit(8, 4, 16).Create();
        model.load_state_dict(Safetensors.Read(_scratch["model.safetensors"]).ToDictionary());
        model.eval();
        // grey of 128 is 0
        double[] zero =
        [
            .. model.call(zeros(1, 3, 8, 8))[0].to(ScalarType.Float64).softmax(0).topk(5).values.data<double>(),
        ];
        for (int i = 0; i < 5; i++)
            Assert.Equal(zero[i], found[i], 1e-6);
    }

    private string[] Model()
    {
        using var scope = NewDisposeScope();
        using var _ = manual_seed(3);
        using var model = SmallNet.Vit(8, 4, 16).Create();
        using var two = SmallNet.Vit(8, 4, 2).Create();
        Safetensors.Write(_scratch["model.safetensors"], model.state_dict());
        Safetensors.Write(_scratch["two.safetensors"], two.state_dict());
        _scratch.Put(
            "vit.json",
            """{ "$type": "vit", "embedDim": 48, "depth": 2, "heads": 1, "height": 8, "width": 8, "patchSize": 4 }"""
        );
        return ["--model", _scratch["vit.json"], "--checkpoint", _scratch["two.safetensors"]];
    }

    private string Eval(string[] options, string set) =>
        CommandRun.Of(EvalCommand.Create(), [.. options, "--data", _scratch[set], "--json"]).Output;

    private string Predict(string[] options, string file)
    {
        using var json = JsonDocument.Parse(
            CommandRun.Of(PredictCommand.Create(), [_scratch[file], .. options, "--json"]).Output
        );
        return json.RootElement[0].GetProperty("classes").GetRawText();
    }

    private static double[] Probabilities(string classes)
    {
        using var json = JsonDocument.Parse(classes);
        return [.. json.RootElement.EnumerateArray().Select(guess => guess.GetProperty("probability").GetDouble())];
    }

    private static JsonElement Read(string json, string name)
    {
        using var parsed = JsonDocument.Parse(json);
        return parsed.RootElement.GetProperty(name).Clone();
    }

    private static double Loss(string json) => Read(json, "loss").GetDouble();

    // No two pixels alike, so that a picture that lies on its side is another.
    private static (byte, byte, byte) Scene(int x, int y) => ((byte)(20 * x), (byte)(30 * y), (byte)(7 * x + 11 * y));

    private static byte[] Photo(int orientation, int shade = 0)
    {
        var (width, height, at) = Pngs.Turned<(int, int, int)>(
            orientation,
            Width,
            Height,
            (x, y) => Scene(x, y) is var (r, g, b) ? (r, g, b ^ shade) : default
        );
        return Pngs.OfRgb(width, height, at, orientation);
    }
}
