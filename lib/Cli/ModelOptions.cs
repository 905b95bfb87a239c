using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using PatchKit.Checkpoints;
using PatchKit.Data.Images;
using PatchKit.Models;
using PatchKit.Patchify;
using PatchKit.Training;
using PatchKit.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>
/// The options that name a model with its weights and say where it runs: what `patchkit eval` and `patchkit predict`
/// share.
/// </summary>
internal sealed class ModelOptions
{
    private const string Shifted = "official-shifted";
    private const double LeastCrop = 0.05;

    private static readonly LoadingWords s_words = new(
        "give --transfer-patch to resize the patch embedding, or leave --patch out",
        "Take what fits with --no-strict, the rest as it is drawn",
        "tell their grid as rows x columns, such as --grid 14x16",
        "name the model of the checkpoint's widths with --model"
    );

    private static readonly JsonSerializerOptions Json = new(RunConfig.Json)
    {
        PropertyNameCaseInsensitive = true,
        AllowOutOfOrderMetadataProperties = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    private readonly Option<string> _model = new("--model")
    {
        Description = "a model that `patchkit models` lists, or its configuration, such as a run's config.json",
    };
    private readonly Option<string> _checkpoint = new("--checkpoint")
    {
        Description = "its weights, a .pth or .safetensors file",
    };
    private readonly Option<string?> _key = new("--key")
    {
        Description = "the part of the checkpoint, such as model_ema (default: model, state_dict, ... or all)",
    };
    private readonly Option<int?> _input = new("--input")
    {
        Description = "image side in pixels (default: the one that the checkpoint was trained at)",
    };
    private readonly Option<int?> _patch = new("--patch") { Description = "patch size (default: the checkpoint's)" };
    private readonly Option<bool> _transfer = new("--transfer-patch")
    {
        Description = "resize the patch embedding by pseudo-inverse where the checkpoint has another patch size",
    };
    private readonly Option<bool> _partial = new("--no-strict")
    {
        Description = "take what fits where names are missing or unknown; what is missing stays as it is drawn",
    };
    private readonly Option<string?> _grid = new("--grid")
    {
        Description = "the checkpoint's rows and columns of patches, such as 14x16, where they are no square",
    };
    private readonly Option<string> _positions = new("--positions")
    {
        Description =
            "how position embeddings go to another input size: rightly, or shifted by one as the official "
            + "--finetune does it",
        DefaultValueFactory = _ => "correct",
    };
    private readonly Option<string> _device = new("--device")
    {
        Description = "cpu, cuda or cuda:1",
        DefaultValueFactory = _ => "cpu",
    };
    private readonly Option<bool> _bf16 = new("--bf16") { Description = "run matrix products in bfloat16" };
    private readonly Option<double> _cropRatio = new("--crop-ratio")
    {
        Description =
            "the scored square's side over the resized image's shorter side; the official README has 1.0, "
            + "its code 0.875 by default",
        DefaultValueFactory = _ => 1,
    };
    private readonly Option<string> _orientation = new("--orientation")
    {
        Description =
            "photographs turned upright by EXIF, as in training; or as-stored, as the official code scored "
            + "its released weights",
        DefaultValueFactory = _ => "upright",
    };
    private readonly Option<FileInfo?> _classes = new("--classes")
    {
        Description = "a file with the names of the classes, one per line, in the order of the scores",
    };

    /// <summary>Adds the options to a command.</summary>
    internal ModelOptions(Command command)
    {
        _positions.AcceptOnlyFromAmong("correct", Shifted);
        _orientation.AcceptOnlyFromAmong("upright", "as-stored");
        foreach (
            var option in new Option[]
            {
                _model,
                _checkpoint,
                _key,
                _input,
                _patch,
                _transfer,
                _partial,
                _grid,
                _positions,
                _device,
                _bf16,
                _cropRatio,
                _orientation,
                _classes,
            }
        )
            command.Add(option);
    }

    /// <summary>Where the model runs.</summary>
    internal Device Device(ParseResult parsed) => Devices.Open(parsed.GetValue(_device)!);

    /// <summary>Makes the model and loads its weights; notes on standard error what had to be resized.</summary>
    /// <exception cref="ArgumentException">No model or weights were named, or there is no such model, device or
    /// size.</exception>
    /// <exception cref="CheckpointException">The checkpoint cannot be read, or is of another model.</exception>
    internal LoadedModel Load(ParseResult parsed)
    {
        if (parsed.GetValue(_checkpoint) is not { } path || parsed.GetValue(_model) is not { } name)
            throw new ArgumentException(
                "a model is named by --model and its weights by --checkpoint; give both (`patchkit models` "
                    + "lists models)."
            );
        double cropRatio = parsed.GetValue(_cropRatio);
        if (!(cropRatio is >= LeastCrop and <= 1))
            throw new ArgumentException(
                $"--crop-ratio {cropRatio.ToString(CultureInfo.InvariantCulture)} does not fit; it is the "
                    + "share of the resized image's shorter side that is "
                    + $"scored, {LeastCrop.ToString(CultureInfo.InvariantCulture)} to 1, such as 0.875."
            );
        if (parsed.GetValue(_input) is { } side && side < 1)
            throw new ArgumentException($"--input {side} leaves no image; give its side in pixels, such as 224.");
        var device = Devices.Open(parsed.GetValue(_device)!);
        using var file = CheckpointFile.Open(path);
        string? key = parsed.GetValue(_key);
        var (tensors, _) = OfficialNames.Of(file.Tensors(key), path);
        PatchGrid? grid = parsed.GetValue(_grid) is { } written ? Grid(written) : null;
        var config = Config(name, tensors, path, parsed.GetValue(_input), parsed.GetValue(_patch), grid);
        var names = parsed.GetValue(_classes) is { } list ? Names(list, config.Classes) : null;
        var model = config.Create();
        try
        {
            using var scope = NewDisposeScope();
            var positions =
                parsed.GetValue(_positions) == Shifted ? PositionLoading.OfficialShifted : PositionLoading.Correct;
            var loading = new CheckpointLoading
            {
                Positions = positions,
                TransferPatchSize = parsed.GetValue(_transfer),
                Strict = !parsed.GetValue(_partial),
                Grid = grid,
                KeepOwnHead = false,
                Words = s_words,
            };
            var report = ModelCheckpoint.Load(model, file, key, loading);
            foreach (string note in report.Notes)
                Console.Error.WriteLine($"note: {note}");
            if (CheckpointIdentity.VariantName(config) is { } variant)
                Console.Error.WriteLine($"note: {path} is of {variant}");
            foreach (var reshaped in report.Reshaped)
                Console.Error.WriteLine($"note: {reshaped}");
            if (report.Missing.Count > 0)
                Console.Error.WriteLine(
                    $"note: {report.Missing.Count:N0} of the "
                        + $"model's {report.Missing.Count + report.Matched.Count + report.Reshaped.Count:N0} "
                        + $"tensors are not in {path} and stay as they are drawn: {List(report.Missing)}"
                );
            if (report.Unexpected.Count > 0)
                Console.Error.WriteLine(
                    $"note: {report.Unexpected.Count:N0} tensors of {path} have no place in the "
                        + $"model: {List(report.Unexpected)}"
                );
            ExpectFinite(model, path);
            model.to(device).eval();
        }
        catch
        {
            model.Dispose();
            throw;
        }
        return new LoadedModel(
            name,
            path,
            model,
            device,
            parsed.GetValue(_bf16) ? ScalarType.BFloat16 : null,
            cropRatio,
            parsed.GetValue(_orientation) == "upright" ? DecodeOptions.Default : DecodeOptions.Official,
            LearntFrom(name),
            names
        );
    }

    private static void ExpectFinite(Backbone model, string path)
    {
        foreach (var (name, tensor) in model.state_dict())
        {
            using var scope = NewDisposeScope();
            long bad = tensor.isfinite().logical_not().sum().item<long>();
            if (bad > 0)
                throw new CheckpointException(
                    path,
                    $"has {bad:N0} of {tensor.numel():N0} numbers in {name} that are not finite (NaN or "
                        + "infinite), so that its scores mean nothing; take weights from before training failed."
                );
        }
    }

    private static string List(IReadOnlyList<KeyShape> keys) =>
        string.Join(", ", keys.Take(3)) + (keys.Count > 3 ? ", ..." : "");

    private static PatchGrid Grid(string written) =>
        written.Split('x') is [var rows, var columns]
        && int.TryParse(rows, out int height)
        && int.TryParse(columns, out int width)
        && height > 0
        && width > 0
            ? new PatchGrid(height, width)
            : throw new ArgumentException($"--grid {written} is no grid; write rows x columns, such as 14x16.");

    /// <summary>
    /// The preset at the checkpoint's sizes, or the configuration as it is written; either with the sizes that were
    /// asked for, the checkpoint's classes, and a second token, positions and LayerScale as it has them.
    /// </summary>
    private static BackboneConfig Config(
        string name,
        IReadOnlyDictionary<string, CheckpointTensor> tensors,
        string path,
        int? input,
        int? patch,
        PatchGrid? grid
    )
    {
        bool written = name.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        var config = written ? Read(name) : ModelZoo.Find(name).Config;
        if (!tensors.TryGetValue("head.weight", out var head) || head.Shape.Count != 2)
            throw new CheckpointException(
                path,
                "has no head.weight and so scores no "
                    + $"classes{(ForeignWeights.Kind(tensors.Keys) is { } kind ? $"; {kind}" : "")}; choose a "
                    + "classifier's weights (`patchkit inspect` lists what a file holds, --key chooses a part)."
            );
        config = CheckpointIdentity.Variant(
            config,
            tensors.ToDictionary(entry => entry.Key, entry => entry.Value.Shape)
        );
        if (!written && tensors.TryGetValue("patch_embed.proj.weight", out var proj) && proj.Shape.Count == 4)
            config = Patched((int)proj.Shape[2]);
        if (
            !written
            && input is null
            && tensors.TryGetValue("pos_embed", out var positions)
            && positions.Shape.Count == 3
        )
        {
            if (grid is { } told && told.Rows != told.Columns)
                throw new ArgumentException(
                    $"{path} was trained at {told.Rows * config.PatchSize} "
                        + $"x {told.Columns * config.PatchSize} pixels, but images are cut to squares here; "
                        + "give --input."
                );
            input =
                (
                    grid?.Rows
                    ?? CheckpointIdentity.SquareSide(positions.Shape[1] - config.ExtraPositions)
                    ?? throw new CheckpointException(
                        path,
                        $"has {positions.Shape[1]} positions, which are no square grid "
                            + $"and {config.ExtraPositions} beside it; {s_words.Grid}, and give --input."
                    )
                ) * config.PatchSize;
        }
        if (patch is { } asked)
            config = Patched(asked);
        config = config with
        {
            Height = input ?? config.Height,
            Width = input ?? config.Width,
            Classes = checked((int)head.Shape[0]),
        };
        return config.Height == config.Width
            ? config
            : throw new ArgumentException(
                $"{name} takes images of {config.Height} x {config.Width} pixels, but images are cut to "
                    + "squares here; give --input."
            );

        BackboneConfig Patched(int size) => config with { PatchSize = size };
    }

    /// <summary>The file's configuration, or the one under "model" in it.</summary>
    private static BackboneConfig Read(string path)
    {
        try
        {
            var written = JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject;
            return (written?["model"] ?? written).Deserialize<BackboneConfig>(Json)
                ?? throw new JsonException("it is null.");
        }
        catch (Exception e)
            when (e is JsonException or NotSupportedException or IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException(
                $"{path} is no model's configuration: {FailureSentence.Of(e)} Write it as {{\"$type\": "
                    + "\"vit\", \"embedDim\": 192, \"heads\": 3} or {\"$type\": \"adventurer\", \"depth\": 6}.",
                e
            );
        }
    }

    /// <summary>
    /// The set in a run's configuration; null where the file is none, or is of before sets were what they are.
    /// </summary>
    private static DataConfig? LearntFrom(string name)
    {
        if (!name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
            return null;
        try
        {
            return (JsonNode.Parse(File.ReadAllBytes(name)) as JsonObject)?["data"]?.Deserialize<DataConfig>(
                RunConfig.Json
            );
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            return null;
        }
    }

    private static string[] Names(FileInfo list, int classes)
    {
        if (Directory.Exists(list.FullName))
            throw new ArgumentException($"--classes {list} is a folder; name a file with one class per line.");
        string[] names = [.. File.ReadLines(list.FullName).Select(line => line.Trim()).Where(line => line.Length > 0)];
        return names.Length == classes
            ? names
            : throw new ArgumentException(
                $"{list} names {names.Length:N0} classes, but the model scores {classes:N0}; give one name "
                    + "per line, in the order of the scores."
            );
    }
}
