namespace PatchKit.Torch;

/// <summary>Memory of a device, as far as it is known: 0 where a number is not.</summary>
/// <param name="TotalBytes">What it has; on the CPU the limit where one is set, else the machine's, or the
/// container's.</param>
/// <param name="FreeBytes">What tensors of this process may still take; on a GPU besides what libtorch keeps for
/// them.</param>
/// <param name="LiveBytes">What tensors of this process hold now.</param>
/// <param name="PeakBytes">The most they held since
/// <see cref="Engine.ResetPeakMemory(TorchSharp.torch.Device)"/>.</param>
public readonly record struct DeviceMemory(long TotalBytes, long FreeBytes, long LiveBytes, long PeakBytes);
