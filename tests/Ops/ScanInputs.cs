using PatchKit.Ops;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>What a scan is given; absent tensors are null.</summary>
internal sealed record ScanInputs(
    Tensor X,
    Tensor Dt,
    Tensor A,
    Tensor B,
    Tensor C,
    Tensor? D,
    Tensor? Z,
    Tensor? DtBias,
    bool DtSoftplus,
    Tensor? InitialState
)
{
    /// <summary>The scan's forms by name.</summary>
    internal static IReadOnlyDictionary<string, Func<ScanInputs, (Tensor Y, Tensor FinalState)>> Forms { get; } =
        new Dictionary<string, Func<ScanInputs, (Tensor, Tensor)>>
        {
            ["sequential"] = i =>
                SsdScan.Sequential(i.X, i.Dt, i.A, i.B, i.C, i.D, i.Z, i.DtBias, i.DtSoftplus, i.InitialState),
            ["chunked 64"] = i => i.Chunked(64),
            ["chunked 16"] = i => i.Chunked(16),
            ["fused"] = i => SsdScan.Scan(i.X, i.Dt, i.A, i.B, i.C, i.D, i.Z, i.DtBias, i.DtSoftplus, i.InitialState),
            ["fused 16"] = i => i.Fused(16),
        };

    internal (Tensor Y, Tensor FinalState) Chunked(int chunk) =>
        SsdScan.Chunked(X, Dt, A, B, C, D, Z, DtBias, DtSoftplus, InitialState, chunk);

    internal (Tensor Y, Tensor FinalState) Fused(int chunk) =>
        SsdScan.Fused(X, Dt, A, B, C, D, Z, DtBias, DtSoftplus, InitialState, chunk);

    /// <summary>The inputs that are there, in the order of the operator's arguments.</summary>
    internal Tensor[] Tensors => [.. new[] { X, Dt, A, B, C, D, Z, DtBias, InitialState }.OfType<Tensor>()];

    /// <summary>The same inputs after a change of each tensor.</summary>
    internal ScanInputs Select(Func<Tensor, Tensor> change)
    {
        Tensor? Maybe(Tensor? tensor) => tensor is null ? null : change(tensor);
        return new(
            change(X),
            change(Dt),
            change(A),
            change(B),
            change(C),
            Maybe(D),
            Maybe(Z),
            Maybe(DtBias),
            DtSoftplus,
            Maybe(InitialState)
        );
    }

    /// <summary>
    /// Random inputs; which optional ones are there is the caller's choice. <paramref name="skip"/>: 0 for no D, 1 for
    /// one of each head, 2 for one of each feature.
    /// </summary>
    internal static ScanInputs Random(
        long b,
        long l,
        long h,
        long p,
        long g,
        long n,
        int skip = 1,
        bool z = false,
        bool bias = true,
        bool softplus = true,
        bool initial = false,
        ScalarType dtype = ScalarType.Float64
    )
    {
        Tensor Normal(params long[] sizes) => randn(sizes, dtype, TestDevice.Current);
        Tensor Uniform(params long[] sizes) => rand(sizes, dtype, TestDevice.Current);
        return new(
            Normal(b, l, h, p),
            softplus ? Normal(b, l, h) - 1 : Uniform(b, l, h),
            -(Uniform(h) * 2 + 0.1),
            Normal(b, l, g, n),
            Normal(b, l, g, n),
            skip switch
            {
                0 => null,
                1 => Normal(h),
                _ => Normal(h, p),
            },
            z ? Normal(b, l, h, p) : null,
            bias ? Uniform(h) : null,
            softplus,
            initial ? Normal(b, h, p, n) : null
        );
    }
}
