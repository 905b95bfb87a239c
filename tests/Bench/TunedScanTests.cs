using PatchKit.Bench;
using PatchKit.Ops;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Bench;

/// <summary>The benchmark's peer made of tensor operators computes the scan.</summary>
public sealed class TunedScanTests
{
    [Theory]
    [InlineData(1, 4, 1)]
    [InlineData(2, 6, 2)]
    public void TheTunedPeerEqualsTheDefinition(long batch, long heads, long groups)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        const long length = 3 * SsdScan.ChunkSize,
            p = 5,
            n = 7;
        Tensor Leaf(params long[] shape) => randn(shape, ScalarType.Float64).requires_grad_();
        Tensor[] inputs =
        [
            Leaf(batch, length, heads, p),
            Leaf(batch, length, heads),
            (-rand([heads], ScalarType.Float64) - 0.1).requires_grad_(),
            Leaf(batch, length, groups, n),
            Leaf(batch, length, groups, n),
            Leaf(heads),
            Leaf(heads),
        ];
        var gradient = randn([batch, length, heads, p], ScalarType.Float64);
        var tuned = new Workload(
            () => TunedScan.Run(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], inputs[5], inputs[6]),
            inputs,
            gradient
        );
        var definition = new Workload(
            () =>
                SsdScan
                    .Sequential(
                        inputs[0],
                        inputs[1],
                        inputs[2],
                        inputs[3],
                        inputs[4],
                        inputs[5],
                        dtBias: inputs[6],
                        dtSoftplus: true
                    )
                    .Y,
            inputs,
            gradient
        );
        tuned.MustEqual(definition, "the tuned and the sequential scan", 1e-10);
    }
}
