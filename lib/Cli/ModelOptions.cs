using System.CommandLine;
using PatchKit.Checkpoints;
using PatchKit.Data.Images;
using PatchKit.Models;
using PatchKit.Patchify;
using PatchKit.Training;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>
/// The options that name a model with its weights and say where it runs: what `patchkit eval` and `patchkit predict`
/// share.
/// </summary>
internal sealed class ModelOptions
{
    private const string Shifted = "official-shifted";

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
        return new ModelRequest
        {
            Name = name,
            Checkpoint = path,
            Key = parsed.GetValue(_key),
            Input = parsed.GetValue(_input),
            PatchSize = parsed.GetValue(_patch),
            Grid = parsed.GetValue(_grid) is { } written ? ParsedGrid(written) : null,
            TransferPatchSize = parsed.GetValue(_transfer),
            Strict = !parsed.GetValue(_partial),
            Positions =
                parsed.GetValue(_positions) == Shifted ? PositionLoading.OfficialShifted : PositionLoading.Correct,
            Device = Device(parsed),
            Autocast = parsed.GetValue(_bf16) ? ScalarType.BFloat16 : null,
            CropRatio = parsed.GetValue(_cropRatio),
            Decoding = parsed.GetValue(_orientation) == "upright" ? DecodeOptions.Default : DecodeOptions.Official,
            Classes = parsed.GetValue(_classes),
        }.Load();
    }

    private static PatchGrid ParsedGrid(string written) =>
        written.Split('x') is [var rows, var columns]
        && int.TryParse(rows, out int height)
        && int.TryParse(columns, out int width)
        && height > 0
        && width > 0
            ? new PatchGrid(height, width)
            : throw new ArgumentException($"--grid {written} is no grid; write rows x columns, such as 14x16.");
}
