using System.Globalization;
using PatchKit.ScalingLaws;
using PatchKit.Training;

namespace PatchKit.Experiments;

// Table 4: Adventurer in both dimensions, model size and patch size.
//
//   command    patchkit run table4 --scale teach
//   cost       about 9 minutes on two CPU cores, 6 of them after table1
//              gpu, CIFAR-10, three seeds, one at p = 1: 2.8e17 operations beyond table1's, 47 minutes at 100 TFLOP/s (counted, not measured)
//   expected   both dimensions lower the loss; the lowest is the widest model at the smallest patch

/// <summary>Table 4: patch size and model size scale together.</summary>
public sealed class Table4 : Experiment
{
    /// <inheritdoc/>
    public override string Name => "table4";

    /// <inheritdoc/>
    public override string Title => "Table 4: model size and patch size";

    /// <inheritdoc/>
    public override string Claim => "smaller patches and wider models gain side by side: the best model is the largest at the smallest patch";

    /// <inheritdoc/>
    public override string Cost => "9 min, 6 after table1";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) =>
    [
        .. from size in Sizes(options)
           from seed in Seeds(options)
           from width in Widths(options)
           from patch in Patches(options)
           where patch > 1 || options.Scale != Scale.Gpu || seed == options.FirstSeed      // the dearest column: one seed
           select Sweep.Run(options, Family.Adventurer, size, patch, seed, width),
    ];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        var (widths, patches) = (Widths(options), Patches(options));
        List<ReportTable> tables = [];
        List<Verdict> verdicts = [];
        foreach (int size in Sizes(options))
        {
            var loss = widths.ToDictionary(width => width, width => patches.ToDictionary(patch => patch, patch =>
                Cell(width, patch).Average(run => run.Test.Loss)));
            int seeds = Seeds(options).Count();
            tables.Add(new ReportTable($"Adventurer at {size}x{size}: test loss{PatchSweep.MeanOf(seeds)}", ["width", .. patches.Select(patch => $"p={patch}{(Cell(widths[0], patch).Count < seeds ? ", one seed" : "")}")],
                [.. widths.Select(width => (IReadOnlyList<string>)[width, .. patches.Select(patch => PatchSweep.Number(loss[width][patch]))])]));
            int byPatch = widths.Sum(width => patches.Zip(patches.Skip(1)).Count(pair => loss[width][pair.Second] < loss[width][pair.First]));
            int byWidth = patches.Sum(patch => widths.Zip(widths.Skip(1)).Count(pair => loss[pair.Second][patch] < loss[pair.First][patch]));
            int patchSteps = widths.Count * (patches.Length - 1), widthSteps = patches.Length * (widths.Count - 1);
            var best = (from width in widths from patch in patches orderby loss[width][patch] select (width, patch)).First();
            string at = $"at {size}x{size}";
            verdicts.Add(Verdict.Of($"Smaller patches lower the loss at every width, {at}", byPatch == patchSteps, $"In {byPatch} of {patchSteps} halvings."));
            verdicts.Add(Verdict.Of($"Wider models lower the loss at every patch size, {at}", byWidth == widthSteps, $"In {byWidth} of {widthSteps} steps of width."));
            verdicts.Add(Verdict.Of($"The lowest loss is the widest model's at the smallest patch, {at}", best == (widths[^1], patches[^1]), $"It is width {best.width}'s at p={best.patch}: {PatchSweep.Number(loss[best.width][best.patch])}."));

            IReadOnlyList<RunResult> Cell(string width, int patch)
            {
                var model = Sweep.Run(options, Family.Adventurer, size, patch, options.FirstSeed, width).Model;
                return context.Where(config => config.Model == model);
            }
        }
        tables.Add(new ReportTable("The paper: ImageNet-1k top-1, %", ["model, input", "p=16", "p=8", "p=4", "p=2", "p=1"],
            [.. PaperNumbers.Table4.GroupBy(cell => (cell.Model, cell.Input)).Select(row => (IReadOnlyList<string>)[$"{row.Key.Model}, {row.Key.Input}", .. row.Select(cell => cell.Top1?.ToString("0.0", CultureInfo.InvariantCulture) ?? "")])]));
        return new Report
        {
            Experiment = Name, Title = Title, Scale = options.Scale, Data = context.Results[0].Config.Data.Title, Tables = tables, Verdicts = verdicts,
            Caveats = Caveats.For(options), Machine = Machine.Here(options.Device),
        };
    }

    private static IEnumerable<long> Seeds(ExperimentOptions options) => Sweep.Seeds(options, 2, gpu: 3);

    private static int[] Sizes(ExperimentOptions options) => options.Scale switch { Scale.Paper => [128, 224], Scale.Gpu => [32], _ => [Sweep.GeneratedSize] };

    private static List<string> Widths(ExperimentOptions options) => [.. Sweep.Widths(options.Scale, Family.Adventurer).Take(options.Scale == Scale.Teach ? 3 : 4)];

    private static int[] Patches(ExperimentOptions options) => options.Scale switch { Scale.Smoke => [8, 4], Scale.Gpu or Scale.Paper => [16, 8, 4, 2, 1], _ => [16, 8, 4, 2] };
}
