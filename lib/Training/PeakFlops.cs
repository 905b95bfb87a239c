using System.Diagnostics;
using System.Globalization;
using PatchKit.ScalingLaws;
using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>The most floating-point operations that a device does in a second: what MFU is a share of.</summary>
/// <param name="Flops">FLOP/s.</param>
/// <param name="Source">where the number is from, such as "the published 989 TFLOP/s of an NVIDIA H200 SXM".</param>
public sealed record PeakFlops(double Flops, string Source)
{
    private const double Enough = .2;
    private const int Fewest = 3;

    /// <summary>
    /// The published peak of a GPU that <see cref="GpuKind"/> knows, in bfloat16 where it has it; of another GPU and of
    /// a CPU the fastest of some matrix products, which takes a fraction of a second.
    /// </summary>
    /// <param name="device">where training is.</param>
    public static PeakFlops Of(Device device)
    {
        if (Published(device) is { } published)
            return published;
        double measured = Measure(device);
        return new PeakFlops(
            measured,
            string.Create(CultureInfo.InvariantCulture, $"a measured matmul peak, {measured / 1e9:N0} GFLOP/s")
        );
    }

    /// <summary>
    /// The published peak; null for a device that <see cref="GpuKind"/> does not know, and for a CPU.
    /// </summary>
    /// <param name="device">where training is.</param>
    public static PeakFlops? Published(Device device) =>
        Engine.DeviceName(device) is not { } name || GpuKind.FromDriver(name) is not { } kind
            ? null
            : new PeakFlops(
                kind.TrainingFlops,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the published {kind.TrainingFlops / 1e12:0.#} TFLOP/s of an NVIDIA {kind.Title}"
                )
            );

    // In the type that training multiplies in. The fastest product is the one that other work disturbed least; the
    // first is not among them.
    private static double Measure(Device device)
    {
        bool gpu = device.type == DeviceType.CUDA;
        long side = gpu ? 4096 : 768;
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var (a, b) = (
            ones([side, side], gpu ? ScalarType.BFloat16 : ScalarType.Float32, device),
            ones([side, side], gpu ? ScalarType.BFloat16 : ScalarType.Float32, device)
        );
        Product();
        var seconds = new List<double>();
        do seconds.Add(Product());
        while (seconds.Count < Fewest || seconds.Sum() < Enough);
        return 2.0 * side * side * side / seconds.Min();

        double Product()
        {
            using var step = NewDisposeScope();
            var watch = Stopwatch.StartNew();
            a.matmul(b);
            if (gpu)
                cuda.synchronize(device);
            return watch.Elapsed.TotalSeconds;
        }
    }
}
