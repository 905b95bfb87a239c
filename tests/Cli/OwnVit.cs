using System.Text.Json;
using PatchKit.Checkpoints;
using PatchKit.Cli;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Tests.Cli;

/// <summary>
/// A small ViT of any of DeiT's kinds with weights of its own, a picture, and `patchkit predict` on it; all in a
/// scratch folder.
/// </summary>
internal sealed class OwnVit : IDisposable
{
    internal const int Side = 32,
        Classes = 5;

    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-public-").FullName;

    internal OwnVit(VisionTransformerConfig config)
    {
        Config = config with { Height = Side, Width = Side, EmbedDim = 24, Depth = 2, Heads = 3, Classes = Classes };
        manual_seed(7).Dispose();
        using (var model = new VisionTransformer(Config))
        {
            // Far from their beginnings, so that no token, position or factor can be left out unnoticed.
            using var recording = no_grad();
            foreach (var (_, parameter) in model.named_parameters())
                parameter.normal_(0, .3);
            Weights = model
                .state_dict()
                .ToDictionary(entry => entry.Key, entry => entry.Value.clone().DetachFromDisposeScope());
        }
        File.WriteAllText(
            this["vit.json"],
            $$"""
            { "$type": "vit", "embedDim": 24, "depth": 2, "heads": 3,
              "height": {{Side}}, "width": {{Side}}, "patchSize": {{Config.PatchSize}} }
            """
        );
        using var picture = new Image(Side, Side);
        new Random(3).NextBytes(picture.Pixels);
        File.WriteAllBytes(this["picture.png"], ImageCodec.EncodePng(picture));
    }

    internal VisionTransformerConfig Config { get; }

    /// <summary>By the official names.</summary>
    internal Dictionary<string, Tensor> Weights { get; }

    internal string this[string name] => Path.Combine(_folder, name);

    /// <summary>Writes tensors by the names that a function makes of theirs.</summary>
    internal string Write(
        string name,
        Func<string, string>? rename = null,
        IReadOnlyDictionary<string, Tensor>? more = null
    )
    {
        var tensors = Weights.ToDictionary(entry => rename?.Invoke(entry.Key) ?? entry.Key, entry => entry.Value);
        foreach (var (key, tensor) in more ?? new Dictionary<string, Tensor>())
            tensors.Add(key, tensor);
        Safetensors.Write(this[name], tensors, overwrite: true);
        return this[name];
    }

    /// <summary>Runs `patchkit predict --json` on the picture.</summary>
    internal CommandRun Predict(string checkpoint, params string[] options) =>
        PredictOn("picture.png", checkpoint, options);

    /// <summary>Runs it on another picture of the folder.</summary>
    internal CommandRun PredictOn(string picture, string checkpoint, params string[] options) =>
        CommandRun.Of(
            PredictCommand.Create(),
            [
                "--model",
                this["vit.json"],
                "--checkpoint",
                checkpoint,
                "--top",
                $"{Classes}",
                "--json",
                .. options,
                this[picture],
            ]
        );

    /// <summary>The probabilities that it printed, by class.</summary>
    internal static double[] Probabilities(CommandRun run) =>
        [
            .. JsonDocument
                .Parse(run.Output)
                .RootElement[0]
                .GetProperty("classes")
                .EnumerateArray()
                .OrderBy(guess => guess.GetProperty("index").GetInt32())
                .Select(guess => guess.GetProperty("probability").GetDouble()),
        ];

    /// <summary>The picture as the model is given it: (1, 3, side, side).</summary>
    internal Tensor Picture()
    {
        using var image = ImageCodec.Read(this["picture.png"]);
        var planes = new float[3 * Side * Side];
        Normalization.ImageNet.Apply(image, planes);
        return tensor(planes, [1, 3, Side, Side]);
    }

    public void Dispose()
    {
        foreach (var tensor in Weights.Values)
            tensor.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
