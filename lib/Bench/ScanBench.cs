using PatchKit.Ops;
using PatchKit.Torch.Calls;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>
/// `patchkit bench scan`: the fused selective scan, forward and backward, beside its chunked form, beside the best that
/// tensor operators do, and the chunked form beside the same in Python torch. One batch of 16 heads, p = n = 64,
/// float32, as Adventurer calls it.
/// </summary>
internal static class ScanBench
{
    private const int Length = 4096,
        Heads = 16,
        HeadDim = 64,
        StateDim = 64;
    private const int LongLength = 224 * 224,
        ShortLength = LongLength / 4;

    internal static BenchResult Run(int pairs)
    {
        Kernels.Require("bench scan");
        int cores = get_num_threads();
        var rows = new List<Measurement>();
        try
        {
            set_num_threads(1);
            manual_seed(0);
            var inputs = new Inputs(Length);
            Workload fused = inputs.Over(Fused),
                chunked = inputs.Over(Chunked),
                tuned = inputs.Over(TunedScan.Run);
            rows.Add(
                Measurement.Once(
                    "peak memory beyond results, fused",
                    "chunked",
                    "MiB",
                    MiB(fused),
                    MiB(chunked),
                    limit: 0.25
                )
            );
            rows.Add(Measurement.Once("peak memory beyond results, fused", "tuned", "MiB", MiB(fused), MiB(tuned)));
            chunked.MustEqual(fused, "the chunked and the fused scan", 1e-3);
            tuned.MustEqual(fused, "the tuned and the fused scan", 1e-3);

            using var python = PythonPeer.Start("scan_peer.py");
            if (python is null)
                Console.WriteLine("No python3 here can import torch: its row is left out.");
            foreach (int threads in new[] { 1, cores }.Distinct())
            {
                bool one = threads == 1;
                rows.Add(
                    Measurement.Pairs(
                        $"fused, {threads} thread(s)",
                        "chunked",
                        "ms",
                        pairs,
                        () => fused.Milliseconds(threads),
                        () => chunked.Milliseconds(threads),
                        one ? 1 / 3.5 : null
                    )
                );
                rows.Add(
                    Measurement.Pairs(
                        $"fused, {threads} thread(s)",
                        "tuned",
                        "ms",
                        pairs,
                        () => fused.Milliseconds(threads),
                        () => tuned.Milliseconds(threads),
                        one ? 1 / 2.5 : null
                    )
                );
                if (python is not null)
                    rows.Add(
                        Measurement.Pairs(
                            $"chunked, {threads} thread(s)",
                            $"Python torch {python.Version}",
                            "ms",
                            pairs,
                            () => chunked.Milliseconds(threads),
                            () => python.Ask($"{threads}"),
                            one ? 1.1 : null
                        )
                    );
            }
            foreach (int threads in new[] { 1, cores }.Distinct())
                rows.Add(Growth(threads, pairs));
        }
        finally
        {
            set_num_threads(cores);
        }
        return new BenchResult(rows);
    }

    private static Measurement Growth(int threads, int pairs)
    {
        using var scope = NewDisposeScope();
        Workload of50176 = new Inputs(LongLength).Over(Fused),
            of12544 = new Inputs(ShortLength).Over(Fused);
        return Measurement.Pairs(
            $"fused, {LongLength:N0} tokens, {threads} thread(s)",
            $"fused, {ShortLength:N0} tokens",
            "ms",
            pairs,
            () => of50176.Milliseconds(threads),
            () => of12544.Milliseconds(threads),
            4.5
        );
    }

    private static double MiB(Workload workload) => workload.PeakBytesBeyondResults() / 1048576.0;

    private static Tensor Fused(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor D, Tensor dtBias)
    {
        var (y, finalState) = SsdScan.Scan(x, dt, A, B, C, D, dtBias: dtBias, dtSoftplus: true);
        finalState.Dispose();
        return y;
    }

    private static Tensor Chunked(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor D, Tensor dtBias)
    {
        var (y, finalState) = SsdScan.Chunked(x, dt, A, B, C, D, dtBias: dtBias, dtSoftplus: true);
        finalState.Dispose();
        return y;
    }

    /// <summary>Random inputs of a length; scan_peer.py makes the same shapes.</summary>
    private sealed class Inputs(int length)
    {
        private readonly Tensor[] _all =
        [
            randn([1, length, Heads, HeadDim], requires_grad: true),
            randn([1, length, Heads], requires_grad: true),
            (-rand([Heads]) - 0.1).requires_grad_(),
            randn([1, length, 1, StateDim], requires_grad: true),
            randn([1, length, 1, StateDim], requires_grad: true),
            randn([Heads], requires_grad: true),
            randn([Heads], requires_grad: true),
        ];

        private readonly Tensor _gradient = randn([1, length, Heads, HeadDim]);

        internal Workload Over(Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> form) =>
            new(() => form(_all[0], _all[1], _all[2], _all[3], _all[4], _all[5], _all[6]), _all, _gradient);
    }
}
