using System.Globalization;
using PatchKit.Checkpoints;
using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Loading;
using PatchKit.Data.Sets;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Experiments.Tables;

/// <summary>
/// Scores released weights on ImageNet's validation images and puts them beside the cells of Table 1 that they belong
/// to.
/// </summary>
internal static class ReleasedWeights
{
    private const int Batch = 100;
    private static readonly string[] s_endings = [".pth", ".pt", ".safetensors"];

    /// <summary>A row for each cell of the table, and one for each file that belongs to none.</summary>
    /// <exception cref="ArgumentException">The folder has no checkpoints, or no images were named.</exception>
    internal static ReportTable Check(string folder, ExperimentContext context)
    {
        string images =
            context.Options.Data
            ?? throw new ArgumentException(
                $"the weights in {folder} are scored on ImageNet's validation images; name their folder with --data."
            );
        var files = !Directory.Exists(folder)
            ? []
            : Directory
                .EnumerateFiles(folder)
                .Where(path => s_endings.Contains(Path.GetExtension(path).ToLowerInvariant()))
                .Order(StringComparer.Ordinal)
                .ToList();
        if (files.Count == 0)
            throw new ArgumentException(
                $"{folder} holds no {string.Join(", ", s_endings)} files; name the folder with the released weights."
            );
        var rows = new List<IReadOnlyList<string>>();
        var scored = new List<(PaperAccuracy Cell, string File, EvaluationResult Result)>();
        foreach (string path in files)
        {
            string name = Path.GetFileName(path);
            using var file = CheckpointFile.Open(path);
            if (
                CheckpointIdentity.Of(file.Tensors().ToDictionary(entry => entry.Key, entry => entry.Value.Shape))
                is not { } identity
            )
            {
                rows.Add([name, "of no model of Table 7", "", "", "", ""]);
                continue;
            }
            var cell = PaperNumbers.Table1.FirstOrDefault(cell =>
                cell.Model.Equals(identity.Name, StringComparison.OrdinalIgnoreCase)
                && cell.Input == identity.Config.Height
                && cell.PatchSize == identity.Config.PatchSize
            );
            context.Say(
                $"scoring {name}: {identity.Name}, {identity.Config.Height} pixels, p={identity.Config.PatchSize}"
            );
            var result = Score(file, identity.Config, images, path, context);
            if (cell is not null)
                scored.Add((cell, name, result));
            else
                rows.Add([
                    name,
                    $"{identity.Name}, {identity.Config.Height}, p={identity.Config.PatchSize}: not in Table 1",
                    "",
                    Percent(result),
                    Loss(result),
                    "",
                ]);
        }
        return new ReportTable(
            $"Released weights in {folder}, scored on {images}, EXIF orientations ignored as in the official code",
            ["cell", "weights", "paper", "top-1, %", "loss", "difference"],
            [
                .. PaperNumbers
                    .Table1.Where(cell => cell.Top1 is not null)
                    .Select(cell =>
                        scored.Find(entry => entry.Cell == cell) is { File: not null } found
                            ? (IReadOnlyList<string>)
                                [
                                    Title(cell),
                                    found.File,
                                    Paper(cell),
                                    Percent(found.Result),
                                    Loss(found.Result),
                                    (100 * found.Result.Top1 - cell.Top1!.Value).ToString(
                                        "+0.0;-0.0",
                                        CultureInfo.InvariantCulture
                                    ),
                                ]
                            : [Title(cell), "not checked: no weights", Paper(cell), "", "", ""]
                    ),
                .. rows,
            ]
        );
    }

    private static EvaluationResult Score(
        CheckpointFile file,
        BackboneConfig config,
        string images,
        string path,
        ExperimentContext context
    )
    {
        using var model = config.Create();
        using (NewDisposeScope())
            ModelCheckpoint.Load(model, file.StateDict(), source: path);
        model.to(context.Options.Device);
        var set = ImageNet.Open(
            images,
            DataSplit.Validation,
            complete: config.Classes == ImageNet.ClassCount,
            DecodeOptions.Official
        );
        if (set.Classes.Count != config.Classes)
            throw new ArgumentException(
                $"{images} has {set.Classes.Count} classes, but {path} scores {config.Classes}; give the "
                    + "images that it was trained for."
            );
        var loader = new ImageLoader(
            set,
            new EvalTransform(config.Height, 1),
            new ImageLoaderOptions { BatchSize = Batch }
        );
        return Evaluation.Classification(
            model,
            loader.Epoch(0, 0, context.Cancellation),
            context.Options.Device,
            progress: done =>
            {
                if (done % 5000 == 0)
                    context.Say($"{done:N0} of {set.Count:N0} images");
            },
            cancellation: context.Cancellation
        );
    }

    private static string Title(PaperAccuracy cell) => $"{cell.Model}, {cell.Input}, p={cell.PatchSize}";

    private static string Paper(PaperAccuracy cell) => cell.Top1!.Value.ToString("0.0", CultureInfo.InvariantCulture);

    private static string Percent(EvaluationResult result) => ReportNumber.Percent(result.Top1);

    private static string Loss(EvaluationResult result) => ReportNumber.Number(result.Loss);
}
