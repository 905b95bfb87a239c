using PatchKit.Ops;
using PatchKit.Torch.Calls;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>
/// `patchkit bench attention`: patchkit::attention, forward and backward, beside the composed form and beside
/// libtorch's own fused one.
/// </summary>
internal static class AttentionBench
{
    private const int Heads = 12,
        Length = 4096,
        HeadDim = 64;

    internal static BenchResult Run(int pairs)
    {
        Kernels.Require("bench attention");
        int cores = get_num_threads();
        var rows = new List<Measurement>();
        try
        {
            set_num_threads(1);
            manual_seed(0);
            Tensor[] inputs = [Random(requiresGrad: true), Random(requiresGrad: true), Random(requiresGrad: true)];
            var gradient = Random(requiresGrad: false);
            var tiled = Over((q, k, v) => Attention.Tiled(q, k, v));
            var composed = Over((q, k, v) => Attention.Composed(q, k, v));
            rows.Add(
                Measurement.Once(
                    "peak memory beyond results, tiled",
                    "composed",
                    "MiB",
                    MiB(tiled),
                    MiB(composed),
                    limit: 0.2
                )
            );
            tiled.MustEqual(composed, "the tiled and the composed attention", 1e-3);
            foreach (int threads in new[] { 1, cores }.Distinct())
                rows.Add(
                    Measurement.Pairs(
                        $"tiled, {threads} thread(s)",
                        "composed",
                        "ms",
                        pairs,
                        () => tiled.Milliseconds(threads),
                        () => composed.Milliseconds(threads),
                        1.0
                    )
                );
            var own = Over((q, k, v) => Attention.ScaledDotProduct(q, k, v));
            rows.Add(
                Measurement.Once("peak memory beyond results, tiled", "libtorch's own", "MiB", MiB(tiled), MiB(own))
            );
            foreach (int threads in new[] { 1, cores }.Distinct())
                rows.Add(
                    Measurement.Pairs(
                        $"tiled, {threads} thread(s)",
                        "libtorch's own",
                        "ms",
                        pairs,
                        () => tiled.Milliseconds(threads),
                        () => own.Milliseconds(threads)
                    )
                );

            Workload Over(Func<Tensor, Tensor, Tensor, Tensor> form) =>
                new(() => form(inputs[0], inputs[1], inputs[2]), inputs, gradient);
        }
        finally
        {
            set_num_threads(cores);
        }
        return new BenchResult(rows);
    }

    private static Tensor Random(bool requiresGrad) => randn([1, Heads, Length, HeadDim], requires_grad: requiresGrad);

    private static double MiB(Workload workload) => workload.PeakBytesBeyondResults() / 1048576.0;
}
