using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <content>Automatic mixed precision.</content>
public static partial class Engine
{
    /// <summary>
    /// Runs what follows in a lower precision where that is safe (matrix products, convolutions, attention), until
    /// disposed; scopes nest.
    /// </summary>
    /// <param name="device">whose operators change precision: a CPU or a CUDA device.</param>
    /// <param name="dtype">bfloat16 or float16.</param>
    /// <exception cref="ArgumentException">The type is no lower precision.</exception>
    /// <exception cref="NotSupportedException">libtorch has no autocast for the device, or cannot be told to use
    /// it.</exception>
    public static IDisposable Autocast(Device device, ScalarType dtype = ScalarType.BFloat16) =>
        new AutocastScope(device, dtype);

    private sealed class AutocastScope : IDisposable
    {
        private readonly AutocastState _before;
        private bool _over;

        internal AutocastScope(Device device, ScalarType dtype)
        {
            if (dtype is not (ScalarType.BFloat16 or ScalarType.Float16))
                throw new ArgumentException($"autocast to {dtype} lowers no precision; use BFloat16 or Float16.");
            if (device.type is not (DeviceType.CPU or DeviceType.CUDA))
                throw new NotSupportedException(
                    $"{device} has no autocast here; use it on cpu or cuda, or leave it out."
                );
            if (!Libtorch.HasCpp)
                throw new NotSupportedException("libtorch of this platform keeps its autocast from C#; leave it out.");
            _before = AutocastState.Of(device.type);
            new AutocastState((sbyte)device.type, Enabled: true, (sbyte)dtype).Set();
            _ = Libtorch.increment_autocast_nesting();
        }

        public void Dispose()
        {
            if (_over)
                return;
            _over = true;
            _before.Set();
            // The cache holds the weights' low-precision copies; they are stale once the optimizer has stepped.
            if (Libtorch.decrement_autocast_nesting() == 0)
                Libtorch.clear_autocast_cache();
        }
    }
}
