using System.Globalization;
using System.Text.Json;
using PatchKit.Checkpoints;
using PatchKit.Data.Images;
using PatchKit.Models;
using PatchKit.Patchify;
using PatchKit.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>A model with its weights, as <see cref="ModelOptions"/> asks for it.</summary>
internal sealed record ModelRequest
{
    private const double LeastCrop = 0.05;

    private static readonly LoadingWords s_words = new(
        "give --transfer-patch to resize the patch embedding, or leave --patch out",
        "Take what fits with --no-strict, the rest as it is drawn",
        "tell their grid as rows x columns, such as --grid 14x16",
        "name the model of the checkpoint's widths with --model"
    );

    /// <summary>A preset of <see cref="ModelZoo"/>, or a file with a configuration.</summary>
    internal required string Name { get; init; }

    /// <summary>The file of the weights.</summary>
    internal required string Checkpoint { get; init; }

    /// <summary>The part of the checkpoint; the usual one where null.</summary>
    internal string? Key { get; init; }

    /// <summary>The image's side in pixels; the one that the checkpoint was trained at where null.</summary>
    internal int? Input { get; init; }

    /// <summary>p; the checkpoint's where null.</summary>
    internal int? PatchSize { get; init; }

    /// <summary>The checkpoint's grid of positions, where it is no square.</summary>
    internal PatchGrid? Grid { get; init; }

    /// <summary>Whether the patch embedding may be resized.</summary>
    internal bool TransferPatchSize { get; init; }

    /// <summary>Whether all names must fit.</summary>
    internal bool Strict { get; init; }

    /// <summary>How position embeddings go to another grid.</summary>
    internal PositionLoading Positions { get; init; }

    /// <summary>Where the model runs.</summary>
    internal required Device Device { get; init; }

    /// <summary>The precision of matrix products; as the weights where null.</summary>
    internal ScalarType? Autocast { get; init; }

    /// <summary>The scored square's side over the resized image's shorter side.</summary>
    internal double CropRatio { get; init; }

    /// <summary>How files are decoded.</summary>
    internal required DecodeOptions Decoding { get; init; }

    /// <summary>A file with the names of the classes.</summary>
    internal FileInfo? Classes { get; init; }

    /// <summary>Makes the model and loads its weights; notes on standard error what had to be resized.</summary>
    /// <exception cref="ArgumentException">There is no such model or size.</exception>
    /// <exception cref="CheckpointException">The checkpoint cannot be read, or is of another model.</exception>
    internal LoadedModel Load()
    {
        CheckSizes();
        using var file = CheckpointFile.Open(Checkpoint);
        var (tensors, _) = OfficialNames.Of(file.Tensors(Key), Checkpoint);
        var config = ModelFile.IsNamedBy(Name) ? ModelFile.Config(Name) : ModelZoo.Find(Name).Config;
        config = Fitted(config, tensors);
        var names = Classes is { } list ? Names(list, config.Classes) : null;
        var data = ModelFile.IsNamedBy(Name) ? ModelFile.LearntFrom(Name) : null;
        var model = config.Create();
        try
        {
            Fill(model, file);
            ExpectFinite(model);
            model.to(Device).eval();
        }
        catch
        {
            model.Dispose();
            throw;
        }
        return new LoadedModel(Name, Checkpoint, model, Device, Autocast, CropRatio, Decoding, data, names);
    }

    private void CheckSizes()
    {
        if (!(CropRatio is >= LeastCrop and <= 1))
            throw new ArgumentException(
                $"--crop-ratio {CropRatio.ToString(CultureInfo.InvariantCulture)} does not fit; it is the "
                    + "share of the resized image's shorter side that is "
                    + $"scored, {LeastCrop.ToString(CultureInfo.InvariantCulture)} to 1, such as 0.875."
            );
        if (Input is { } side && side < 1)
            throw new ArgumentException($"--input {side} leaves no image; give its side in pixels, such as 224.");
    }

    // ---- the configuration -----------------------------------------------------------------------------

    // The model with the sizes that were asked for, the checkpoint's classes, and a second token, positions and
    // LayerScale as it has them; a preset at the checkpoint's sizes, too.
    private BackboneConfig Fitted(BackboneConfig config, IReadOnlyDictionary<string, CheckpointTensor> tensors)
    {
        if (!tensors.TryGetValue("head.weight", out var head) || head.Shape.Count != 2)
            throw new CheckpointException(
                Checkpoint,
                "has no head.weight and so scores no "
                    + $"classes{(ForeignWeights.Kind(tensors.Keys) is { } kind ? $"; {kind}" : "")}; choose a "
                    + "classifier's weights (`patchkit inspect` lists what a file holds, --key chooses a part)."
            );
        config = CheckpointIdentity.Variant(
            config,
            tensors.ToDictionary(entry => entry.Key, entry => entry.Value.Shape)
        );
        bool preset = !ModelFile.IsNamedBy(Name);
        if (preset && tensors.TryGetValue("patch_embed.proj.weight", out var proj) && proj.Shape.Count == 4)
            config = config with { PatchSize = (int)proj.Shape[2] };
        int? side = Input ?? (preset ? TrainedSide(config, tensors) : null);
        config = config with
        {
            PatchSize = PatchSize ?? config.PatchSize,
            Height = side ?? config.Height,
            Width = side ?? config.Width,
            Classes = checked((int)head.Shape[0]),
        };
        return config.Height == config.Width
            ? config
            : throw new ArgumentException(
                $"{Name} takes images of {config.Height} x {config.Width} pixels, but images are cut to "
                    + "squares here; give --input."
            );
    }

    // The side of the images that the checkpoint's positions are of; null where it has none.
    private int? TrainedSide(BackboneConfig config, IReadOnlyDictionary<string, CheckpointTensor> tensors)
    {
        if (!tensors.TryGetValue("pos_embed", out var positions) || positions.Shape.Count != 3)
            return null;
        if (Grid is { } told && told.Rows != told.Columns)
            throw new ArgumentException(
                $"{Checkpoint} was trained at {told.Rows * config.PatchSize} "
                    + $"x {told.Columns * config.PatchSize} pixels, but images are cut to squares here; "
                    + "give --input."
            );
        int? rows = Grid?.Rows ?? CheckpointIdentity.SquareSide(positions.Shape[1] - config.ExtraPositions);
        return rows * config.PatchSize
            ?? throw new CheckpointException(
                Checkpoint,
                $"has {positions.Shape[1]} positions, which are no square grid "
                    + $"and {config.ExtraPositions} beside it; {s_words.Grid}, and give --input."
            );
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

    // ---- the weights -----------------------------------------------------------------------------------

    private void Fill(Backbone model, CheckpointFile file)
    {
        using var scope = NewDisposeScope();
        var loading = new CheckpointLoading
        {
            Positions = Positions,
            TransferPatchSize = TransferPatchSize,
            Strict = Strict,
            Grid = Grid,
            KeepOwnHead = false,
            Words = s_words,
        };
        var report = ModelCheckpoint.Load(model, file, Key, loading);
        foreach (string note in report.Notes)
            Note(note);
        if (CheckpointIdentity.VariantName(model.Config) is { } variant)
            Note($"{Checkpoint} is of {variant}");
        foreach (var reshaped in report.Reshaped)
            Note($"{reshaped}");
        if (report.Missing.Count > 0)
            Note(
                $"{report.Missing.Count:N0} of the "
                    + $"model's {report.Missing.Count + report.Matched.Count + report.Reshaped.Count:N0} "
                    + $"tensors are not in {Checkpoint} and stay as they are drawn: {List(report.Missing)}"
            );
        if (report.Unexpected.Count > 0)
            Note(
                $"{report.Unexpected.Count:N0} tensors of {Checkpoint} have no place in the "
                    + $"model: {List(report.Unexpected)}"
            );
    }

    private void ExpectFinite(Backbone model)
    {
        foreach (var (name, tensor) in model.state_dict())
        {
            using var scope = NewDisposeScope();
            long bad = tensor.isfinite().logical_not().sum().item<long>();
            if (bad > 0)
                throw new CheckpointException(
                    Checkpoint,
                    $"has {bad:N0} of {tensor.numel():N0} numbers in {name} that are not finite (NaN or "
                        + "infinite), so that its scores mean nothing; take weights from before training failed."
                );
        }
    }

    private static void Note(string words) => Console.Error.WriteLine($"note: {words}");

    private static string List(IReadOnlyList<KeyShape> keys) =>
        string.Join(", ", keys.Take(3)) + (keys.Count > 3 ? ", ..." : "");
}
