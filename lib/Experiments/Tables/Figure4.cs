using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Figure 4: the input grows together with the patch, so that the sequence keeps its length.
//
//   command    patchkit run figure4 --scale teach
//   cost       about 9 minutes on two CPU cores, 3 of them shared with table1
//              gpu, CIFAR-10, three seeds: 4.2e16 operations beyond table1's, 7 minutes at 100 TFLOP/s
//              (counted, not measured)
//   expected   the loss falls up to the images' native size and does not fall beyond it

/// <summary>
/// Figure 4: beyond the native resolution larger inputs bring no information, only a larger patch embedding.
/// </summary>
public sealed class Figure4 : Experiment
{
    // Patches along a side, the same at every input size.
    private const int Grid8 = 8,
        Grid14 = 14;

    // Sides of ImageNet's images, about, and of CIFAR's.
    private const int PaperNative = 448,
        SmallNative = 32;

    /// <inheritdoc/>
    public override string Name => "figure4";

    /// <inheritdoc/>
    public override string Title => "Figure 4: input size at a fixed sequence length";

    /// <inheritdoc/>
    public override string Claim =>
        "with image size over patch size fixed, accuracy rises up to the images' native size and falls "
        + "beyond it; within it a larger input beats a smaller patch";

    /// <inheritdoc/>
    public override string Cost => "9 min, 6 after table1";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) =>
        [
            .. from seed in options.SeedList()
            from family in ClassificationGrid.Families
            from size in Inputs(options)
            select Cell(options, family, size, seed),
        ];

    /// <summary>
    /// The side of the images before they are resized, in pixels: beyond it larger inputs hold nothing new.
    /// </summary>
    public static int Native(ExperimentOptions options) =>
        options.Scale == Scale.Paper ? PaperNative
        : options.Data is null ? ClassificationGrid.GeneratedSize
        : SmallNative;

    /// <summary>The same for a run of the experiment.</summary>
    public static int Native(RunConfig run) =>
        run.Model.PatchGrid.Rows == Grid14 ? PaperNative
        : run.Data is GeneratedDataConfig generated
            ? generated.NativeSize == 0 ? generated.Options.Height
                : generated.NativeSize
        : SmallNative;

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        int[] inputs = Inputs(options);
        int native = Native(options);
        List<ReportTable> tables = [];
        List<Claim> claims = [];
        foreach (var family in ClassificationGrid.Families)
        {
            var cells = inputs
                .Select(size => context.Where(config => config.Family == family && config.Model.Height == size))
                .ToList();
            double[] losses = [.. cells.Select(runs => runs.Average(run => run.Test.Loss))];
            tables.Add(
                new RowsOver<IReadOnlyList<RunResult>>(cells)
                    .Row("patch size", runs => $"{runs[0].Config.Model.PatchSize}")
                    .Row(
                        "numbers in a patch",
                        runs => $"{3 * runs[0].Config.Model.PatchSize * runs[0].Config.Model.PatchSize}"
                    )
                    .MeanAndSpan("test loss", run => run.Test.Loss, ReportNumber.Number, hasSpan: true)
                    .Mean("top-1, %", run => run.Test.Top1, ReportNumber.Percent)
                    .Parameters()
                    .Under(
                        $"{family}: {Side(options)}x{Side(options)} patches of growing inputs, native size {native}",
                        runs =>
                            runs[0].Config.Model.Height is var size && size == native ? $"{size} (native)" : $"{size}",
                        "input"
                    )
            );
            int at = Array.IndexOf(inputs, native);
            string curve = string.Join(
                ", ",
                inputs.Zip(losses, (size, loss) => $"{size} px {ReportNumber.Number(loss)}")
            );
            claims.Add(
                new Claim(
                    $"{family}: beyond the native {native} pixels the loss is higher again",
                    at < 0
                        ? []
                        :
                        [
                            .. inputs
                                .Skip(at + 1)
                                .Select(
                                    (size, i) =>
                                        Step($"{native} to {size} px", cells[at], cells[at + 1 + i], falls: false)
                                ),
                        ]
                )
                {
                    Scores = $"{curve}.",
                    Beside = Plateaus.Of(
                        context,
                        cells.SelectMany(runs => runs),
                        config => $"{config.Model.Height} px"
                    ),
                }
            );
            if (at > 0)
                claims.Add(
                    new Claim(
                        $"{family}: within the native size a larger input beats a smaller patch of as many tokens",
                        [Step($"{inputs[at - 1]} to {inputs[at]} px", cells[at - 1], cells[at], falls: true)]
                    )
                    {
                        Scores =
                            $"{inputs[at]} pixels with "
                            + $"p={inputs[at] / Side(options)}: {ReportNumber.Number(losses[at])}; "
                            + $"{inputs[at - 1]} pixels with "
                            + $"p={inputs[at - 1] / Side(options)}: {ReportNumber.Number(losses[at - 1])}.",
                    }
                );

            PairedStep Step(string name, IReadOnlyList<RunResult> from, IReadOnlyList<RunResult> to, bool falls) =>
                PatchSummary.Step(name, from, to, run => run.Test.Loss, falls);
        }
        tables.Add(VerdictRule.Table(claims));
        tables.Add(
            new ReportTable(
                "The paper (ImageNet, native size about 460 pixels)",
                ["", ""],
                [
                    ["Figure 4", "no numbers published: accuracy rises to about the native size, then falls"],
                    ["Adventurer-B/16 at 448 against Adventurer-B/8 at 224", "+0.4 points top-1"],
                ]
            )
        );
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = string.Join("; ", context.Results.Select(run => run.Config.Data.Title).Distinct()),
            Tables = tables,
            Verdicts = VerdictRule.Of(claims, options.Scale),
            Caveats = Caveats.For(options),
            Machine = Machine.Here(options.Device),
        };
    }

    private static RunConfig Cell(ExperimentOptions options, Family family, int size, long seed) =>
        ClassificationGrid.Run(
            options,
            family,
            size,
            size / Side(options),
            seed,
            change: config =>
                config.Data is GeneratedDataConfig generated && size != Native(options)
                    ? config with
                    {
                        Data = generated with { NativeSize = Native(options) },
                    }
                    : config
        );

    private static int Side(ExperimentOptions options) =>
        options.Scale switch
        {
            Scale.Paper => Grid14,
            Scale.Smoke => 4,
            _ => Grid8,
        };

    private static int[] Inputs(ExperimentOptions options) =>
        options.Scale switch
        {
            Scale.Smoke => [8, 16, 32],
            Scale.Paper => [112, 224, 448, 896],
            Scale.Gpu => [8, 16, 32, 64, 128],
            _ => options.Data is null ? [8, 16, 32, 64] : [16, 32, 64],
        };
}
