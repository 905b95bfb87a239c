using System.Globalization;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Table 6: time and memory of training by patch size, for both families.
//
//   command    patchkit run table6 --scale teach            (gpu: the paper's models at 224 pixels)
//   cost       about 2 minutes on two CPU cores, and 2 GB
//   expected   the ViT's time grows with the square of the sequence at last, Adventurer's in proportion to it; memory
//              in proportion in both

/// <summary>Table 6: what smaller patches cost, measured here.</summary>
public sealed class Table6 : Experiment
{
    // How far a factor may be from the one it is compared with.
    private const double Tolerance = .2;
    private const int PaperInput = 224;
    private const double MB = 1e6;

    /// <inheritdoc/>
    public override string Name => "table6";

    /// <inheritdoc/>
    public override string Title => "Table 6: time and memory by patch size";

    /// <inheritdoc/>
    public override string Claim =>
        "with every halving of the patch the ViT's time grows by more and more, up to 12 times, "
        + "Adventurer's by about 4, memory by 4";

    /// <inheritdoc/>
    public override string Cost => "2 min";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) => [];

    /// <inheritdoc/>
    public override IReadOnlyList<(BackboneConfig Model, int Batch)> Steps(ExperimentOptions options) =>
        [
            .. from setting in Settings(options.Scale)
            from model in new[] { setting.Vit, setting.Adventurer }
            from patch in setting.Patches
            select Step(setting, model, patch),
        ];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        var meter = new StepMeter(
            StepMeter.FolderIn(context.Store),
            options.Device,
            options.Scale == Scale.Smoke ? .2 : 2
        );
        List<ReportTable> tables = [];
        List<Claim> claims = [];
        foreach (var setting in Settings(options.Scale))
        {
            var (vit, adventurer) = (
                Measure(setting, Family.ViT, setting.Vit),
                Measure(setting, Family.Adventurer, setting.Adventurer)
            );
            tables.Add(Measured(setting, vit, adventurer));
            tables.AddRange([Growth(setting, vit), Growth(setting, adventurer)]);
            claims.AddRange(Claims(setting, vit, adventurer));
        }
        tables.AddRange([VerdictRule.Table(claims), Paper()]);
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = "random images",
            Tables = tables,
            Verdicts = [.. VerdictRule.Of(claims, options.Scale), HoursFollowMacs()],
            Caveats =
            [
                "Rounds follow each other within a measurement: an interval over them knows how steps "
                    + "differ, not how the machine may have changed between two patch sizes.",
                "A time is the fastest of several steps on this machine; how times grow from patch to patch "
                    + "travels to other machines, times do not.",
                "A step here holds equally many tokens at every patch size, so that what a call costs "
                    + "weighs alike; the paper's holds 1,024 images.",
                "The paper: one A100, float16, FlashAttention. Here: float32 on a CPU, bfloat16 on a GPU; "
                    + "attention, scan and norms fused where the device has them.",
                "Multiply-accumulates of Adventurer are those of the scan step by step, the fewest; scans "
                    + "in chunks, as GPUs run them, take more.",
            ],
            Machine = Machine.Here(options.Device),
        };

        Curve Measure(Setting setting, Family family, BackboneConfig model) =>
            new(
                family,
                [
                    .. setting.Patches.Select(patch =>
                    {
                        context.Cancellation.ThrowIfCancellationRequested();
                        var (config, batch) = Step(setting, model, patch);
                        var cost = meter.Measure(config, batch, context.Cancellation);
                        string measured = cost is null
                            ? "does not fit"
                            : $"{Milliseconds(cost)} ms and {Megabytes(cost.BytesPerImage)} MB an image";
                        context.Say($"{setting.Title}, {family} p={patch}: {measured}");
                        return new Point(patch, config.Cost(), batch, cost);
                    }),
                ]
            );
    }

    // ---- what is measured ------------------------------------------------------------------------------

    private sealed record Setting(
        string Title,
        BackboneConfig Vit,
        BackboneConfig Adventurer,
        int Input,
        int[] Patches
    );

    private sealed record Point(int Patch, CostModel Model, int Batch, StepCost? Cost);

    private sealed record Curve(Family Family, IReadOnlyList<Point> Points)
    {
        /// <summary>The factors of a figure from patch to patch; null where one is missing.</summary>
        internal IReadOnlyList<double?> Factors(Func<Point, double?> figure) =>
            [.. Points.Zip(Points.Skip(1), (larger, smaller) => figure(smaller) / figure(larger))];

        /// <summary>
        /// The factor per halving over the last two, which one disturbed measurement sways less than the last alone.
        /// </summary>
        internal double? LateFactor(Func<Point, double?> figure) =>
            Math.Sqrt(figure(Points[^1]) / figure(Points[^3]) ?? double.NaN) is var factor && double.IsNaN(factor)
                ? null
                : factor;

        /// <summary>
        /// The same factor of time from each round's fastest step; none where a measurement has none.
        /// </summary>
        internal PairedStep LateRounds(string name) =>
            new(
                name,
                Points[^1].Cost?.Rounds is not { } last || Points[^3].Cost?.Rounds is not { } first
                    ? []
                    :
                    [
                        .. first
                            .Zip(last)
                            .Select(
                                (pair, round) =>
                                    (
                                        (long)round,
                                        Math.Sqrt(pair.Second / Points[^1].Batch / (pair.First / Points[^3].Batch))
                                    )
                            ),
                    ]
            );
    }

    // Equally many tokens at every patch size.
    private static (BackboneConfig Model, int Batch) Step(Setting setting, BackboneConfig model, int patch) =>
        (
            model with
            {
                Height = setting.Input,
                Width = setting.Input,
                PatchSize = patch,
            },
            patch / setting.Patches[^1] * (patch / setting.Patches[^1])
        );

    private static IEnumerable<Setting> Settings(Scale scale) =>
        scale switch
        {
            Scale.Smoke => [Small(16, [8, 4, 2, 1])],
            Scale.Teach => [Small(64, [16, 8, 4, 2, 1]), Zoo("tiny", 64)],
            _ => [Zoo("base", PaperInput)],
        };

    private static Setting Small(int input, int[] patches) =>
        new(
            $"Small nets at {input}x{input}",
            SmallNet.Vit(input, 1, 16),
            SmallNet.Adventurer(input, 1, 16),
            input,
            patches
        );

    private static Setting Zoo(string width, int input) =>
        new(
            $"DeiT and Adventurer, {width}, at {input}x{input}",
            ModelZoo.Find($"deit-{width}").Config,
            ModelZoo.Find($"adventurer-{width}").Config,
            input,
            [16, 8, 4, 2, 1]
        );

    // ---- tables ----------------------------------------------------------------------------------------

    private static ReportTable Measured(Setting setting, params Curve[] curves) =>
        new(
            $"{setting.Title}: one training step, measured here",
            ["", .. setting.Patches.Select(patch => $"p={patch}")],
            [
                Row("tokens", curves[0].Points.Select(point => $"{point.Model.Tokens}")),
                Row("images in a step", curves[0].Points.Select(point => $"{point.Batch}")),
                .. curves.SelectMany(curve =>
                    (IReadOnlyList<string>[])
                        [
                            Row(
                                $"{curve.Family}: ms per image",
                                curve.Points.Select(point =>
                                    point.Cost is { } cost ? Milliseconds(cost) : "does not fit"
                                )
                            ),
                            Row(
                                "  slowest step over fastest",
                                curve.Points.Select(point => Factor(point.Cost?.Slowest / point.Cost?.Seconds))
                            ),
                            .. setting.Input == PaperInput
                                ?
                                [
                                    Row(
                                        "  hours per epoch of ImageNet",
                                        curve.Points.Select(point =>
                                            point.Cost is { } cost
                                                ? Hours(cost.PerImage * PublishedData.ImageNetImages / 3600)
                                                : "not measured"
                                        )
                                    ),
                                ]
                                : Array.Empty<IReadOnlyList<string>>(),
                            Row("  MB per image", curve.Points.Select(point => Megabytes(point.Cost?.BytesPerImage))),
                            Row(
                                "  MB, cost model, float32",
                                curve.Points.Select(point => Megabytes(point.Model.ActivationBytes))
                            ),
                            Row(
                                "  MMACs per image",
                                curve.Points.Select(point =>
                                    (point.Model.Macs / 1e6).ToString("N1", CultureInfo.InvariantCulture)
                                )
                            ),
                        ]
                ),
            ]
        );

    private static ReportTable Growth(Setting setting, Curve curve)
    {
        bool vit = curve.Family == Family.ViT;
        var paper = PaperCurve(curve.Family, setting.Patches);
        return new(
            $"{setting.Title}, {curve.Family}: factor per halving of the patch",
            ["", .. setting.Patches.Zip(setting.Patches.Skip(1), (larger, smaller) => $"{larger} to {smaller}")],
            [
                Row("tokens", curve.Factors(point => point.Model.Tokens).Select(Factor)),
                Row(
                    $"time: the paper, {(vit ? "DeiT" : "Adventurer")}-Base at 224",
                    paper.Factors(PaperHours(curve.Family)).Select(Factor)
                ),
                Row("time: multiply-accumulates there", paper.Factors(point => point.Model.Macs).Select(Factor)),
                Row("time: multiply-accumulates here", curve.Factors(point => point.Model.Macs).Select(Factor)),
                .. vit
                    ? Array.Empty<IReadOnlyList<string>>()
                    :
                    [
                        Row(
                            "  with the scan in chunks",
                            curve.Factors(point => ((MambaCost)point.Model).ChunkedMacs()).Select(Factor)
                        ),
                    ],
                Row("time: measured here", curve.Factors(point => point.Cost?.PerImage).Select(Factor)),
                .. vit
                    ?
                    [
                        Row(
                            "memory: the paper",
                            paper.Factors(point => Of(point.Patch)?.MemoryMegabytes).Select(Factor)
                        ),
                    ]
                    : Array.Empty<IReadOnlyList<string>>(),
                Row("memory: cost model here", curve.Factors(point => point.Model.ActivationBytes).Select(Factor)),
                Row("memory: measured here", curve.Factors(point => point.Cost?.BytesPerImage).Select(Factor)),
            ]
        );
    }

    private static ReportTable Paper()
    {
        int[] patches = [.. PaperNumbers.Table6.Select(row => row.PatchSize)];
        var (vit, adventurer) = (PaperCurve(Family.ViT, patches), PaperCurve(Family.Adventurer, patches));
        return new(
            "The paper, Base at 224x224, beside the cost model",
            ["", .. patches.Select(patch => $"p={patch}")],
            [
                Row("tokens", PaperNumbers.Table6.Select(row => $"{row.Length}")),
                .. Rows(vit, "DeiT-Base"),
                Row(
                    "  attention's share of them, %",
                    vit.Points.Select(point => PatchSummary.Percent(AttentionShare(point.Model)))
                ),
                .. Rows(adventurer, "Adventurer-Base"),
                Row(
                    "  GMACs with the scan in chunks",
                    adventurer.Points.Select(point => Giga(((MambaCost)point.Model).ChunkedMacs()))
                ),
                Row("memory per image of the ViT, MB", PaperNumbers.Table6.Select(row => $"{row.MemoryMegabytes}")),
                Row(
                    "  cost model, 2 bytes a number",
                    vit.Points.Select(point => Megabytes(point.Model.ActivationBytes / 2.0))
                ),
                Row(
                    "  Adventurer, cost model",
                    adventurer.Points.Select(point => Megabytes(point.Model.ActivationBytes / 2.0))
                ),
            ]
        );

        static IReadOnlyList<string>[] Rows(Curve curve, string model) =>
            [
                Row(
                    $"{model}: GPU hours per epoch",
                    curve.Points.Select(point => Hours(PaperHours(curve.Family)(point)!.Value))
                ),
                Row("  GMACs per image", curve.Points.Select(point => Giga(point.Model.Macs))),
                Row(
                    "  TFLOP/s that the hours mean",
                    curve.Points.Select(point =>
                        (
                            ThroughputCurve.FlopsPerMac
                            * point.Model.Macs
                            * PublishedData.ImageNetImages
                            / PaperHours(curve.Family)(point)!.Value
                            / 3600
                            / 1e12
                        ).ToString("0", CultureInfo.InvariantCulture)
                    )
                ),
            ];
    }

    private static IReadOnlyList<string> Row(string name, IEnumerable<string> cells) => [name, .. cells];

    // ---- verdicts --------------------------------------------------------------------------------------

    private static IEnumerable<Claim> Claims(Setting setting, Curve vit, Curve adventurer)
    {
        string halving = $"from p={setting.Patches[^3]} to {setting.Patches[^1]}";
        double tokens = adventurer.LateFactor(point => point.Model.Tokens)!.Value;
        PairedStep vitTime = vit.LateRounds("the ViT's"),
            adventurerTime = adventurer.LateRounds("Adventurer's");
        double? vitMemory = vit.LateFactor(Memory),
            adventurerMemory = adventurer.LateFactor(Memory);
        string missing =
            vit.Points[^1].Cost is null || adventurer.Points[^1].Cost is null ? "One of them was not measured." : "";

        yield return Growth(
            $"{setting.Title}: the ViT's time grows faster than Adventurer's",
            missing,
            [vitTime.Less("the ViT's factor less Adventurer's", adventurerTime)],
            $"{Sentence(halving)} each halving multiplies the ViT's by {Factor(vit.LateFactor(Time))}, "
                + $"Adventurer's by {Factor(adventurer.LateFactor(Time))}; their multiply-accumulates "
                + $"by {Factor(vit.LateFactor(Macs))} and {Factor(adventurer.LateFactor(Macs))}."
        );

        yield return Growth(
            $"{setting.Title}: Adventurer's time grows in proportion to the tokens",
            missing,
            Proportional(adventurerTime, tokens),
            $"{Sentence(halving)} each halving multiplies it by {Factor(adventurer.LateFactor(Time))}, and "
                + $"the tokens by {Factor(tokens)}; up to {PatchSummary.Percent(Tolerance)} % more or less is "
                + "called in proportion."
        );

        double share = AttentionShare(vit.Points[^1].Model);
        string counted =
            $"It is {PatchSummary.Percent(share)} % of the multiply-accumulates "
            + $"over {vit.Points[^1].Model.Tokens} tokens";
        yield return Growth(
            $"{setting.Title}: attention rules the ViT's time at the longest sequence",
            share < .5 ? "Less than half rules nothing." : missing,
            [vitTime.Beyond("the ViT's factor, beyond the tokens' and the tolerance", tokens * (1 + Tolerance))],
            $"{counted}; {halving} each halving multiplies the time by {Factor(vit.LateFactor(Time))}, and "
                + $"the tokens by {Factor(tokens)}."
        );

        // Bytes are counted, not timed: each round has the same.
        string memory = $"{setting.Title}: memory grows in proportion to the tokens in both";
        yield return vitMemory is not { } vitBytes || adventurerMemory is not { } adventurerBytes
            ? new Claim(memory, []) { Missing = "It is not measured on this device." }
            : Growth(
                memory,
                missing,
                [
                    .. Proportional(Counted("the ViT's", vitBytes, vitTime), tokens),
                    .. Proportional(Counted("Adventurer's", adventurerBytes, adventurerTime), tokens),
                ],
                $"{Sentence(halving)} each halving multiplies the ViT's by {Factor(vitBytes)}, Adventurer's "
                    + $"by {Factor(adventurerBytes)}, the tokens by {Factor(tokens)}."
            );

        static Claim Growth(string effect, string missing, IReadOnlyList<PairedStep> steps, string scores) =>
            new(effect, missing.Length > 0 ? [] : steps)
            {
                Scores = scores,
                Missing = missing,
                Pairs = "rounds",
                Text = Signed,
            };
        static IReadOnlyList<PairedStep> Proportional(PairedStep factor, double tokens) =>
            [
                factor.Beyond($"{factor.Name} factor, beyond the least in proportion", tokens * (1 - Tolerance)),
                factor
                    .Part("", -1)
                    .Beyond($"{factor.Name} factor, below the most in proportion", -tokens * (1 + Tolerance)),
            ];
        static PairedStep Counted(string name, double factor, PairedStep rounds) =>
            new(name, [.. rounds.Pairs.Select(pair => (pair.Seed, factor))]);
        static double? Time(Point point) => point.Cost?.PerImage;
        static double? Memory(Point point) => point.Cost?.BytesPerImage;
        static double? Macs(Point point) => point.Model.Macs;
    }

    private static Verdict HoursFollowMacs()
    {
        int[] patches = [.. PaperNumbers.Table6.Select(row => row.PatchSize)];
        var pairs = ClassificationGrid
            .Families.SelectMany(family =>
                PaperCurve(family, patches) is var curve
                    ? curve.Factors(PaperHours(family)).Zip(curve.Factors(point => point.Model.Macs))
                    : []
            )
            .Select(pair => pair.First!.Value / pair.Second!.Value)
            .ToList();
        return VerdictRule.OfNumbers(
            "The paper's GPU hours grow as multiply-accumulates do",
            pairs.All(ratio => Near(ratio, 1)),
            string.Create(
                CultureInfo.InvariantCulture,
                $"Over {pairs.Count} halvings the hours' factor is {pairs.Min():0.00} to {pairs.Max():0.00} "
                    + $"of the multiply-accumulates'."
            )
        );
    }

    // ---- numbers ---------------------------------------------------------------------------------------

    private static Curve PaperCurve(Family family, int[] patches)
    {
        var model = ModelZoo.Find(family == Family.ViT ? "deit-base" : "adventurer-base").Config;
        return new(
            family,
            [.. patches.Select(patch => new Point(patch, (model with { PatchSize = patch }).Cost(), 1, null))]
        );
    }

    private static Func<Point, double?> PaperHours(Family family) =>
        point => family == Family.ViT ? Of(point.Patch)?.DeitBaseGpuHours : Of(point.Patch)?.AdventurerBaseGpuHours;

    private static PaperCost? Of(int patch) => PaperNumbers.Table6.FirstOrDefault(row => row.PatchSize == patch);

    private static double AttentionShare(CostModel model) =>
        model is TransformerCost vit ? (double)vit.AttentionMacs / vit.Macs : 0;

    private static bool Near(double factor, double other) =>
        factor > other * (1 - Tolerance) && factor < other * (1 + Tolerance);

    private static string Sentence(string halving) => char.ToUpperInvariant(halving[0]) + halving[1..];

    private static string Signed(double factor) => factor.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture);

    private static string Factor(double? factor) =>
        factor?.ToString("0.00", CultureInfo.InvariantCulture) ?? "not measured";

    private static string Milliseconds(StepCost cost) =>
        (1e3 * cost.PerImage).ToString(cost.PerImage < 1 ? "G3" : "N0", CultureInfo.InvariantCulture);

    private static string Hours(double hours) => hours.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Megabytes(double? bytes) =>
        bytes is { } known
            ? (known / MB).ToString(known < 10 * MB ? "0.00" : "0", CultureInfo.InvariantCulture)
            : "not measured";

    private static string Giga(long macs) => (macs / 1e9).ToString("N1", CultureInfo.InvariantCulture);
}
