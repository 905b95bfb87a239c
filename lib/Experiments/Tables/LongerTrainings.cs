using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

/// <summary>
/// What one pixel a token needs on real images: the smallest patches at 16 pixels, for ViT all, trained with the
/// recipe's steps and with multiples of them. A patch that is behind at equal steps may have learnt too little,
/// which more steps mend, or may have learnt its images by heart, which shows as a training loss far below the test
/// loss.
/// </summary>
internal sealed class LongerTrainings
{
    private const int Size = ClassificationGrid.GeneratedSize,
        Larger = 2,
        Smaller = 1;

    private readonly ExperimentContext _context;
    private readonly Dictionary<string, RunResult> _results;

    /// <param name="context">has the results.</param>
    internal LongerTrainings(ExperimentContext context)
    {
        _context = context;
        _results = context.Results.DistinctBy(result => result.Key).ToDictionary(result => result.Key);
    }

    /// <summary>The runs beside those of the curves; none but at teach, on real images, down to one pixel.</summary>
    internal static IEnumerable<RunConfig> Runs(ExperimentOptions options) =>
        from times in options is { Scale: Scale.Teach, Data: not null, Pixels: true } ? Times(options) : []
        from seed in Seeds(options)
        from family in ClassificationGrid.Families
        from patch in Patches(family)
        select Run(options, times, family, patch, seed);

    /// <summary>Mean losses by length, a table for each family; none where there are no such runs.</summary>
    internal IEnumerable<ReportTable> Tables() =>
        from family in Runs(_context.Options).Any() ? ClassificationGrid.Families : []
        select new ReportTable(
            $"{family} at {Size}x{Size}, longer trainings: test loss, and training loss at the end",
            ["steps", .. Patches(family).SelectMany(patch => new[] { $"p={patch}: test", "training" })],
            [.. Times(_context.Options).Prepend(1).Select(times => Row(family, times))]
        );

    /// <summary>
    /// That the last halving lowers the loss, for each length; and that each doubling brings one pixel nearer.
    /// </summary>
    internal IEnumerable<Claim> Claims()
    {
        if (!Runs(_context.Options).Any())
            yield break;
        var all = Times(_context.Options);
        foreach (var family in ClassificationGrid.Families)
        {
            string name = $"{family} at {Size}x{Size}";
            foreach (double times in all)
                yield return new(
                    $"{name}, {times:0} times the steps: the loss falls from p={Larger} to {Smaller}",
                    [Gain(family, times)]
                )
                {
                    Scores = string.Create(
                        CultureInfo.InvariantCulture,
                        $"p={Larger} {Loss(family, times, Larger):0.000}, "
                            + $"p={Smaller} {Loss(family, times, Smaller):0.000}."
                    ),
                };
            double[] lengths = [1, .. all];
            yield return new(
                $"{name}: longer training favours p={Smaller} over p={Larger}",
                [
                    .. lengths.Zip(
                        lengths.Skip(1),
                        (less, more) => Gain(family, more).Less($"{less:0} to {more:0} times", Gain(family, less))
                    ),
                ]
            );
        }
    }

    private IReadOnlyList<string> Row(Family family, double times) =>
        [
            $"{times:0} x",
            .. from patch in Patches(family)
            from loss in new[]
            {
                Loss(family, times, patch),
                Found(family, times, patch).Average(run => run.TrainingLoss),
            }
            select ReportNumber.Number(loss),
        ];

    private PairedStep Gain(Family family, double times) =>
        PatchSummary.Step(
            $"{Larger} to {Smaller}",
            Found(family, times, Larger),
            Found(family, times, Smaller),
            run => run.Test.Loss
        );

    private double Loss(Family family, double times, int patch) =>
        Found(family, times, patch).Average(run => run.Test.Loss);

    private List<RunResult> Found(Family family, double times, int patch) =>
        [
            .. from seed in Seeds(_context.Options)
            select _results[Run(_context.Options, times, family, patch, seed).Key],
        ];

    // All of them for the family whose steps are cheap.
    private static int[] Patches(Family family) => family == Family.ViT ? [8, 4, Larger, Smaller] : [Larger, Smaller];

    // Of the recipe's steps.
    private static List<double> Times(ExperimentOptions options) =>
        [.. new double[] { 2, 4, 8 }.Where(times => times <= options.Longer)];

    // The dearest runs: no more seeds than make an interval.
    private static IEnumerable<long> Seeds(ExperimentOptions options) =>
        options.SeedList().Take(VerdictRule.FewestSeeds);

    private static RunConfig Run(ExperimentOptions options, double times, Family family, int patch, long seed) =>
        ClassificationGrid.Run(options with { Budget = options.Budget * times }, family, Size, patch, seed);
}
