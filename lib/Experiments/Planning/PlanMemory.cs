using PatchKit.Models;
using PatchKit.ScalingLaws;

namespace PatchKit.Experiments.Planning;

/// <summary>
/// The cost model's activations beside the memory that the paper publishes (Table 6: DeiT-Base at 224 x 224, an image).
/// </summary>
public static class PlanMemory
{
    private const double MB = 1e6;

    /// <summary>Patch size, the paper's bytes of an image, and the cost model's under bfloat16 autocast.</summary>
    public static IReadOnlyList<(int PatchSize, double Paper, double Model)> BesidePaper { get; } =
    [
        .. PaperNumbers.Table6.Select(row =>
            (
                row.PatchSize,
                row.MemoryMegabytes * MB,
                (double)
                    (ModelZoo.Find("deit-base").Config with { PatchSize = row.PatchSize })
                        .Cost()
                        .AutocastActivationBytes
            )
        ),
    ];

    /// <summary>The least and the most of the paper's that the cost model gives.</summary>
    public static (double Least, double Most) PaperRatio { get; } =
        (BesidePaper.Min(row => row.Model / row.Paper), BesidePaper.Max(row => row.Model / row.Paper));
}
