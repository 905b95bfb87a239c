using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>
/// What a device reaches in its two simplest tasks, measured: the floor that no kernel on it gets below.
/// </summary>
/// <param name="BytesPerSecond">read and written by a copy of a large tensor.</param>
/// <param name="FlopsPerSecond">of a large matrix product.</param>
internal sealed record DeviceRates(double BytesPerSecond, double FlopsPerSecond)
{
    private const int Repeats = 5,
        SizeOnGpu = 8192,
        SizeOnCpu = 512;

    /// <summary>Measures both.</summary>
    /// <param name="device">the device.</param>
    /// <param name="dtype">the type of the matrices.</param>
    internal static DeviceRates Measure(Device device, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        int size = device.type == DeviceType.CUDA ? SizeOnGpu : SizeOnCpu;
        Tensor source = zeros([16, size, size], dtype, device),
            target = empty_like(source);
        Tensor a = randn([size, size], dtype, device),
            b = randn([size, size], dtype, device);
        double copied = 2.0 * source.numel() * source.element_size(),
            operations = 2.0 * size * size * size;
        return new(copied / Fastest(() => target.copy_(source)), operations / Fastest(() => a.matmul(b).Dispose()));

        double Fastest(Action action)
        {
            action();
            return Enumerable
                .Range(0, Repeats)
                .Min(_ =>
                {
                    Synchronize(device);
                    var watch = Stopwatch.StartNew();
                    action();
                    Synchronize(device);
                    return watch.Elapsed.TotalSeconds;
                });
        }
    }

    /// <summary>The least milliseconds that so many bytes and operations take here, both at once.</summary>
    internal double Milliseconds(double bytes, double flops) =>
        1e3 * Math.Max(bytes / BytesPerSecond, flops / FlopsPerSecond);

    /// <summary>Waits until a GPU has done what it was given; a CPU has done it already.</summary>
    internal static void Synchronize(Device device)
    {
        if (device.type == DeviceType.CUDA)
            cuda.synchronize(device);
    }
}
