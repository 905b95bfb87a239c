namespace PatchKit.Torch;

/// <summary>Memory of CPU tensors in this process.</summary>
/// <param name="LiveBytes">Bytes that libtorch's tensors hold now.</param>
/// <param name="PeakBytes">The most they held since <see cref="Engine.ResetPeakMemory()"/>.</param>
/// <param name="Blocks">How many blocks of memory they hold.</param>
public readonly record struct MemoryUse(long LiveBytes, long PeakBytes, long Blocks);
