using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit;

/// <summary>
/// The seam to the tensor backend: what TorchSharp's API has no word for. One partial per backend: Engine/Libtorch and Engine/TorchSharp.
/// A backend that cannot do a thing says so in a <see cref="NotSupportedException"/>, or here in a property that is false.
/// </summary>
public static partial class Engine
{
    /// <summary>Runs what follows in a lower precision where that is safe (matrix products, convolutions), until disposed.</summary>
    /// <param name="device">The device whose operators change precision.</param>
    /// <param name="dtype">bfloat16 or float16.</param>
    /// <exception cref="NotSupportedException">The backend has no autocast for the device.</exception>
    public static IDisposable Autocast(Device device, ScalarType dtype = ScalarType.BFloat16) => new AutocastScope(device, dtype);

    /// <summary>
    /// Makes a cancelled token end the native operator that is running, within a tile's time: it throws <see cref="OperationCanceledException"/>.
    /// Dispose the result when the work is over.
    /// </summary>
    public static IDisposable StopOn(CancellationToken token) => new StopScope(token);

    /// <summary>What the driver calls a GPU, such as "NVIDIA H200"; null for a CPU, and where the driver does not say.</summary>
    /// <param name="device">the device.</param>
    public static string? DeviceName(Device device) => Driven(device)?.Name;

    private static long TotalBytesOf(Device device) => Driven(device)?.Bytes ?? 0;

    private static CudaDriver.Gpu? Driven(Device device) => device.type == DeviceType.CUDA ? CudaDriver.Gpus().Cast<CudaDriver.Gpu?>().ElementAtOrDefault(Math.Max(0, device.index)) : null;

    private static readonly HashSet<StopScope> Stops = [];

    private sealed class StopScope : IDisposable
    {
        private readonly CancellationTokenRegistration _registration;

        internal StopScope(CancellationToken token) => _registration = token.Register(() => Change(() => Stops.Add(this)));

        public void Dispose()
        {
            _registration.Dispose();
            Change(() => Stops.Remove(this));
        }

        // A stop holds until the last scope that asked for one is over.
        private static void Change(Action change)
        {
            lock (Stops)
            {
                change();
                RequestStop(Stops.Count > 0);
            }
        }
    }
}
