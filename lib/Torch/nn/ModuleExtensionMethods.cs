namespace TorchSharp;

/// <summary>Moving and converting modules; each returns the module itself, in its own type.</summary>
public static class ModuleExtensionMethods
{
    /// <summary>Converts all floating-point parameters, gradients and buffers, in place.</summary>
    /// <param name="module">the module.</param>
    /// <param name="type">Float32, Float64, Float16 or BFloat16.</param>
    /// <param name="non_blocking">whether a copy from pinned memory may run on while the host continues.</param>
    /// <exception cref="ArgumentException"><paramref name="type"/> is not a floating-point type.</exception>
    public static T to<T>(this T module, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module => (T)module.MoveTo(null, type, non_blocking);

    /// <summary>Moves all parameters, gradients and buffers, in place.</summary>
    /// <param name="module">the module.</param>
    /// <param name="device">where to.</param>
    /// <param name="non_blocking">whether a copy from pinned memory may run on while the host continues.</param>
    public static T to<T>(this T module, torch.Device device, bool non_blocking = false) where T : torch.nn.Module => (T)module.MoveTo(device, null, non_blocking);

    /// <summary>Moves all parameters, gradients and buffers, in place.</summary>
    /// <param name="module">the module.</param>
    /// <param name="device">where to, such as "cpu" or "cuda:0".</param>
    /// <param name="non_blocking">whether a copy from pinned memory may run on while the host continues.</param>
    public static T to<T>(this T module, string device, bool non_blocking = false) where T : torch.nn.Module => (T)module.MoveTo(new torch.Device(device), null, non_blocking);

    /// <summary>Moves all parameters, gradients and buffers and converts those of floating point, in place.</summary>
    /// <param name="module">the module.</param>
    /// <param name="device">where to.</param>
    /// <param name="type">Float32, Float64, Float16 or BFloat16.</param>
    /// <param name="non_blocking">whether a copy from pinned memory may run on while the host continues.</param>
    /// <exception cref="ArgumentException"><paramref name="type"/> is not a floating-point type.</exception>
    public static T to<T>(this T module, torch.Device device, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module => (T)module.MoveTo(device, type, non_blocking);
}
