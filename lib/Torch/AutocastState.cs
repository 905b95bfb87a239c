using TorchSharp;

namespace PatchKit.Torch;

/// <summary>What autocast does with the operators of a device, on this thread.</summary>
/// <param name="Device">the device's number in libtorch.</param>
/// <param name="Enabled">whether it is on.</param>
/// <param name="Dtype">the number of the element type that it casts to.</param>
internal readonly record struct AutocastState(sbyte Device, bool Enabled, sbyte Dtype)
{
    /// <summary>The state now.</summary>
    internal static AutocastState Of(DeviceType device) =>
        new((sbyte)device, Libtorch.is_autocast_enabled((sbyte)device), Libtorch.get_autocast_dtype((sbyte)device));

    /// <summary>
    /// The states of the devices that a block on one device may compute on; none where libtorch does not tell.
    /// </summary>
    internal static AutocastState[] Around(DeviceType device) =>
        !Libtorch.HasCpp ? []
        : device == DeviceType.CUDA ? [Of(DeviceType.CPU), Of(device)]
        : [Of(DeviceType.CPU)];

    /// <summary>Brings the state back.</summary>
    internal void Set()
    {
        Libtorch.set_autocast_dtype(Device, Dtype);
        Libtorch.set_autocast_enabled(Device, Enabled);
    }
}
