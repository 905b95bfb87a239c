namespace PatchKit.ScalingLaws;

/// <summary>
/// A kind of GPU as NVIDIA's data sheets and architecture white papers (GA102, AD102) publish it: dense peaks of the
/// tensor cores with float32 accumulation, which is half of what the sheets print "with sparsity". Kinds whose sheets
/// leave one of these numbers open are not here.
/// </summary>
/// <param name="Name">its short name, such as "a100-40".</param>
/// <param name="Title">its name in prose, such as "A100 40 GB".</param>
/// <param name="MemoryBytes">as published, a GB being 10^9 bytes: a little less than the driver reports, which makes up
/// for what it keeps for itself.</param>
/// <param name="Bf16Flops">peak FLOP/s of bfloat16 products; null where the GPU has no units for them.</param>
/// <param name="Tf32Flops">peak FLOP/s of float32 products with their inputs rounded to TF32; null where the GPU has no
/// units for them.</param>
/// <param name="Float32Flops">peak FLOP/s of float32 outside the tensor cores.</param>
public sealed record GpuKind(
    string Name,
    string Title,
    long MemoryBytes,
    double? Bf16Flops,
    double? Tf32Flops,
    double Float32Flops
)
{
    // Words of a driver's name that tell no kinds apart, unless a kind asks for them.
    private static readonly HashSet<string> Neutral = new(
        [
            "NVIDIA",
            "Tesla",
            "GeForce",
            "PCIe",
            "SXM2",
            "SXM4",
            "SXM5",
            "HBM2",
            "HBM3",
            "HBM3e",
            "16GB",
            "32GB",
            "40GB",
            "80GB",
        ],
        StringComparer.OrdinalIgnoreCase
    );

    /// <summary>The kinds, older ones first; of one chip, those whose driver's name says more come first.</summary>
    public static IReadOnlyList<GpuKind> All { get; } =
    [
        Of("v100-pcie", "V100 PCIe 32 GB", 32, null, null, 14, "V100 PCIe 32GB"),
        Of("v100-16", "V100 SXM2 16 GB", 16, null, null, 15.7, "V100 SXM2 16GB"),
        Of("v100", "V100 SXM2 32 GB", 32, null, null, 15.7, "V100 SXM2 32GB"),
        Of("t4", "T4", 16, null, null, 8.1, "T4"),
        Of("a100-40", "A100 40 GB", 40, 312, 156, 19.5, "A100 40GB"),
        Of("a100", "A100 80 GB", 80, 312, 156, 19.5, "A100"),
        Of("a30", "A30", 24, 165, 82, 10.3, "A30"),
        Of("a10", "A10", 24, 125, 62.5, 31.2, "A10"),
        Of("a40", "A40", 48, 149.7, 74.8, 37.4, "A40"),
        Of("a6000", "RTX A6000", 48, 154.8, 77.4, 38.7, "RTX A6000"),
        Of("rtx3090", "GeForce RTX 3090", 24, 71, 35.6, 35.6, "RTX 3090"),
        Of("rtx4090", "GeForce RTX 4090", 24, 165.2, 82.6, 82.6, "RTX 4090"),
        Of("l4", "L4", 24, 121, 60, 30.3, "L4"),
        Of("l40s", "L40S", 48, 362, 183, 91.6, "L40S"),
        Of("h100-pcie", "H100 PCIe", 80, 756, 378, 51, "H100 PCIe"),
        Of("h100-nvl", "H100 NVL", 94, 835, 417, 60, "H100 NVL"),
        Of("h100", "H100 SXM", 80, 989, 494, 67, "H100"),
        Of("h200-nvl", "H200 NVL", 141, 835, 417, 60, "H200 NVL"),
        Of("h200", "H200 SXM", 141, 989, 494, 67, "H200"),
        Of("b200", "B200", 180, 2250, 1100, 75, "B200"),
    ];

    /// <summary>The words of a driver's name that make it this kind.</summary>
    private string[] Words { get; init; } = [];

    /// <summary>
    /// Peak FLOP/s of a training step's products under bfloat16 autocast: of bfloat16, or of float32 where the GPU has
    /// no units for it.
    /// </summary>
    public double TrainingFlops => Bf16Flops ?? Float32Flops;

    /// <summary>The kind of a short name.</summary>
    /// <param name="name">such as "h200", in any case.</param>
    /// <exception cref="ArgumentException">No kind has it.</exception>
    public static GpuKind Find(string name) =>
        All.FirstOrDefault(kind => kind.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException(
            $"\"{name}\" is no GPU of the catalogue; choose one of {string.Join(", ", All.Select(kind => kind.Name))}."
        );

    /// <summary>
    /// The kind that a driver's name is of; null for one that the catalogue lacks, and for a MIG slice, which is only a
    /// part of its GPU.
    /// </summary>
    /// <param name="driverName">such as "NVIDIA A100-SXM4-80GB" or "NVIDIA GeForce RTX 4090".</param>
    public static GpuKind? FromDriver(string driverName)
    {
        var words = driverName
            .Split([' ', '-'], StringSplitOptions.RemoveEmptyEntries)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        return All.FirstOrDefault(kind =>
            kind.Words.All(words.Contains)
            && words.All(word => Neutral.Contains(word) || kind.Words.Contains(word, StringComparer.OrdinalIgnoreCase))
        );
    }

    // Memory in GB, peaks in TFLOP/s.
    private static GpuKind Of(
        string name,
        string title,
        long memory,
        double? bf16,
        double? tf32,
        double float32,
        string words
    ) =>
        new(name, title, memory * 1_000_000_000, bf16 * 1e12, tf32 * 1e12, float32 * 1e12) { Words = words.Split(' ') };
}
