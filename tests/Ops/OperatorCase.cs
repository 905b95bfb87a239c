using PatchKit.Ops;
using PatchKit.Torch;
using PatchKit.Torch.Calls;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>
/// One of the fused operators at one small odd size, with some of its optional inputs, beside the reference made of
/// tensor operators.
/// </summary>
internal sealed record OperatorCase(
    string Name,
    Tensor?[] Inputs,
    Func<Tensor?[], Tensor[]> Fused,
    Func<Tensor?[], Tensor[]> Reference
)
{
    private static readonly bool[] Both = [false, true];

    private static readonly Dictionary<string, Func<OperatorCase>> Makers = Scans()
        .Concat(Convolutions())
        .Concat(Norms())
        .Concat(Attentions())
        .Concat(Regions())
        .ToDictionary();

    internal static IEnumerable<string> Names => Makers.Keys;

    /// <summary>The case with fresh random inputs in float64.</summary>
    internal static OperatorCase Make(string name)
    {
        manual_seed(name.Sum(letter => letter));
        return Makers[name]();
    }

    /// <summary>The inputs after a change of each, nulls passed over.</summary>
    internal Tensor?[] Changed(Func<Tensor, Tensor> change) =>
        [.. Inputs.Select(input => input is null ? null : change(input))];

    private static IEnumerable<KeyValuePair<string, Func<OperatorCase>>> Scans() =>
        from skip in new[] { 0, 1, 2 }
        from z in Both
        from bias in Both
        from softplus in Both
        from initial in Both
        let name = $"ssd_scan{(skip > 0 ? $", D of {skip} dimensions" : "")}{With(z, "z")}{With(bias, "dt_bias")}"
            + $"{With(softplus, "softplus")}{With(initial, "initial state")}"
        select KeyValuePair.Create<string, Func<OperatorCase>>(
            name,
            () =>
            {
                var inputs = ScanInputs.Random(
                    b: 2,
                    l: 5,
                    h: 2,
                    p: 3,
                    g: skip > 0 ? 2 : 1,
                    n: 3,
                    skip,
                    z,
                    bias,
                    softplus,
                    initial
                );
                ScanInputs Of(Tensor?[] t) => new(t[0]!, t[1]!, t[2]!, t[3]!, t[4]!, t[5], t[6], t[7], softplus, t[8]);
                return new(
                    name,
                    [
                        inputs.X,
                        inputs.Dt,
                        inputs.A,
                        inputs.B,
                        inputs.C,
                        inputs.D,
                        inputs.Z,
                        inputs.DtBias,
                        inputs.InitialState,
                    ],
                    t => Pair(Of(t).Fused(2)),
                    t => Pair(ScanInputs.Forms["sequential"](Of(t)))
                );
            }
        );

    private static IEnumerable<KeyValuePair<string, Func<OperatorCase>>> Convolutions() =>
        from width in new[] { 1, 3, 4 }
        from length in new[] { 2, 7 }
        from silu in Both
        from bias in Both
        from initial in Both
        let name = $"causal_conv1d of width {width}, {length} "
            + $"tokens{With(silu, "silu")}{With(bias, "bias")}{With(initial, "initial states")}"
        select KeyValuePair.Create<string, Func<OperatorCase>>(
            name,
            () =>
                new(
                    name,
                    [
                        Normal(2, length, 5),
                        Normal(5, width),
                        bias ? Normal(5) : null,
                        initial ? Normal(2, width - 1, 5) : null,
                    ],
                    t => [CausalConv.Fused(t[0]!, t[1]!, t[2], silu, t[3])],
                    t => [CausalConv.Composed(t[0]!, t[1]!, t[2], silu, t[3])]
                )
        );

    private static IEnumerable<KeyValuePair<string, Func<OperatorCase>>> Norms() =>
        from groupSize in new[] { 0, 5 }
        from z in Both
        from normBeforeGate in z ? Both : [false]
        let name = $"rms_norm{(groupSize > 0 ? $" in groups of {groupSize}" : "")}{With(z, "z")}"
            + $"{With(normBeforeGate, "norm before gate")}"
        select KeyValuePair.Create<string, Func<OperatorCase>>(
            name,
            () =>
                new(
                    name,
                    [Normal(2, 3, 15), Normal(15), z ? Normal(2, 3, 15) : null],
                    t => [RmsNorm.Fused(t[0]!, t[1]!, t[2], 1e-5, groupSize, normBeforeGate)],
                    t => [RmsNorm.Composed(t[0]!, t[1]!, t[2], 1e-5, groupSize, normBeforeGate)]
                )
        );

    private static IEnumerable<KeyValuePair<string, Func<OperatorCase>>> Attentions() =>
        from causal in TestDevice.Current.type == DeviceType.CPU && Kernels.Present ? Both : []
        from scale in new double?[] { null, 0.3 }
        from keys in causal ? [7] : new[] { 1, 7, 11 }
        let name = $"attention over {keys} keys{With(causal, "causal")}{(scale is { } s ? $", scale {s}" : "")}"
        select KeyValuePair.Create<string, Func<OperatorCase>>(
            name,
            () =>
                new(
                    name,
                    [Normal(2, 3, 7, 5), Normal(2, 3, keys, 5), Normal(2, 3, keys, 5)],
                    t => [Attention.Tiled(t[0]!, t[1]!, t[2]!, scale, causal)],
                    t => [Masked(t[0]!, t[1]!, t[2]!, causal, scale ?? 1 / Math.Sqrt(5))]
                )
        );

    private static IEnumerable<KeyValuePair<string, Func<OperatorCase>>> Regions() =>
        from samplingRatio in new[] { 0, 2 }
        from aligned in Both
        let name = $"roi_align{(samplingRatio > 0 ? $", {samplingRatio} samples" : "")}{With(aligned, "aligned")}"
        select KeyValuePair.Create<string, Func<OperatorCase>>(
            name,
            () =>
            {
                var rois = tensor(new[] { 1.0, -1, 2, 9, 7, 0, 3, 3, 12, 13, 1, 0, 0, 4, 4 }, [3, 5])
                    .to(TestDevice.Current);
                return new(
                    name,
                    [Normal(2, 3, 5, 6)],
                    t => [RoiAlign.Run(t[0]!, rois, (3, 2), .5, samplingRatio, aligned)],
                    t => [RoiAlign.Composed(t[0]!, rois, (3, 2), .5, samplingRatio, aligned)]
                );
            }
        );

    private static Tensor Masked(Tensor q, Tensor k, Tensor v, bool causal, double scale)
    {
        var scores = q.matmul(k.transpose(-2, -1)) * scale;
        if (causal)
            scores = scores.masked_fill(
                ones([q.shape[2], k.shape[2]], ScalarType.Bool, q.device).triu(1),
                double.NegativeInfinity
            );
        return scores.softmax(-1).matmul(v);
    }

    private static Tensor Normal(params long[] sizes) => randn(sizes, ScalarType.Float64, TestDevice.Current);

    private static Tensor[] Pair((Tensor Y, Tensor FinalState) result) => [result.Y, result.FinalState];

    private static string With(bool there, string what) => there ? $", {what}" : "";
}
