using PatchKit.ScalingLaws;

namespace PatchKit.Experiments.Planning;

/// <summary>What an experiment is planned for.</summary>
/// <param name="Gpu">the kind of GPU.</param>
/// <param name="Gpus">how many.</param>
public sealed record PlanOptions(GpuKind Gpu, int Gpus = 1)
{
    /// <summary>Parts that each GPU trains its share of a batch in; the fewest that fit where null.</summary>
    public int? Accumulation { get; init; }

    /// <summary>
    /// The share of a GPU's memory that is left to CUDA's context, workspaces and what lies between allocations. A
    /// choice, not a measurement.
    /// </summary>
    public double Reserve { get; init; } = .1;

    /// <summary>The folder with steps that table6 timed; none where null.</summary>
    public string? Measurements { get; init; }

    /// <summary>Bytes that training may take on a GPU of a kind.</summary>
    public long Room(GpuKind gpu) => (long)(gpu.MemoryBytes * (1 - Reserve));

    // In the parts that were asked for, or the fewest that fit.
    internal BatchFit Fit(int batch, TrainingMemory memory) =>
        Accumulation is { } parts
            ? BatchFit.In(batch, Gpus, parts, memory, Room(Gpu))
            : BatchFit.Fewest(batch, Gpus, memory, Room(Gpu));

    // The smallest that holds so many bytes, where this one does not.
    internal string? NeededGpu(long bytes) =>
        bytes <= Room(Gpu) ? null : GpuKind.All.Where(gpu => Room(gpu) >= bytes).MinBy(gpu => gpu.MemoryBytes)?.Name;
}
