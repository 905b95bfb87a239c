using PatchKit.Tests.Golden;
using PatchKit.Tests.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>What holds for each fused operator with every combination of optional inputs.</summary>
public sealed class OperatorTests
{
    // In float64 where they have it; CudaKernelTests are the others' tests.
    public OperatorTests() =>
        Assert.SkipUnless(TestDevice.Current.type == DeviceType.CPU, "GPUs have no fused operators in float64.");

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        OperatorCase.Names.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Cases))]
    public void GradientsAreDifferenceQuotients(string name)
    {
        using var scope = NewDisposeScope();
        var op = OperatorCase.Make(name);
        GradCheck.Passes(() => op.Fused(op.Inputs), op.Inputs);
    }

    [Theory, MemberData(nameof(Cases))]
    public void FusedAndReferenceAgree(string name)
    {
        using var scope = NewDisposeScope();
        var op = OperatorCase.Make(name);
        AssertClose(Results(op.Reference, op.Changed(Leaf)), Results(op.Fused, op.Changed(Leaf)), 1e-11);
    }

    [Theory, MemberData(nameof(Cases))]
    public void StridedInputsGiveTheSameResults(string name)
    {
        using var scope = NewDisposeScope();
        var op = OperatorCase.Make(name);
        var expected = Results(op.Fused, op.Changed(Leaf));
        foreach (var strided in new Func<Tensor, Tensor>[] { EverySecond, Transposed, Expanded })
            AssertClose(expected[..op.Fused(op.Inputs).Length], op.Fused(op.Changed(strided)), 1e-13);
        AssertClose(
            expected,
            Results(
                inputs => op.Fused([.. inputs.Select(input => input is null ? null : EverySecond(input))]),
                op.Changed(Leaf)
            ),
            1e-13
        );
    }

    [Theory, MemberData(nameof(Cases))]
    public void BFloat16InputsAreComputedInFloat32(string name)
    {
        using var scope = NewDisposeScope();
        var op = OperatorCase.Make(name);
        var narrow = op.Changed(input => input.to(ScalarType.BFloat16));
        var results = Results(op.Fused, [.. narrow.Select(input => input is null ? null : Leaf(input))]);
        var wide = Results(
            op.Reference,
            [.. narrow.Select(input => input is null ? null : Leaf(input.to(ScalarType.Float64)))]
        );
        Assert.Equal(ScalarType.BFloat16, results[0].dtype);
        Assert.All(
            results.TakeLast(op.Inputs.OfType<Tensor>().Count()),
            gradient => Assert.Equal(ScalarType.BFloat16, gradient.dtype)
        );
        AssertClose(wide, results, 0.03);
    }

    [Theory, MemberData(nameof(Cases))]
    public void NothingChangesWithoutAGraph(string name)
    {
        using var scope = NewDisposeScope();
        var op = OperatorCase.Make(name);
        var expected = op.Fused(op.Changed(Leaf));
        using var recording = no_grad();
        foreach (var (with, without) in expected.Zip(op.Fused(op.Inputs)))
            Expect.SameBits(with.detach(), without);
    }

    /// <summary>The outputs, then the gradient of a fixed weighting of them for each input.</summary>
    internal static Tensor[] Results(Func<Tensor?[], Tensor[]> op, Tensor?[] inputs)
    {
        var outputs = op(inputs);
        var loss = outputs.Select(output => (output * Weights(output)).sum()).Aggregate((a, b) => a + b);
        return [.. outputs, .. autograd.grad([loss], [.. inputs.OfType<Tensor>()])];
    }

    internal static void AssertClose(Tensor[] expected, Tensor[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i].shape, actual[i].shape);
            double error = GoldenFile.Error(actual[i], expected[i]);
            Assert.True(
                error <= tolerance,
                $"result {i} of shape [{string.Join(", ", expected[i].shape)}] is off by {error:G3} of its "
                    + $"largest magnitude; {tolerance:G3} is allowed."
            );
        }
    }

    internal static Tensor Leaf(Tensor values) => values.detach().clone().requires_grad_();

    private static Tensor Weights(Tensor output) =>
        (arange(output.numel(), ScalarType.Float64, output.device) * 0.7).sin().reshape(output.shape).to(output.dtype);

    private static Tensor EverySecond(Tensor values) => stack([values, -values], -1).select(-1, 0);

    private static Tensor Transposed(Tensor values) =>
        values.ndim < 2 ? values : values.transpose(0, 1).contiguous().transpose(0, 1);

    private static Tensor Expanded(Tensor values) =>
        cat([zeros_like(values), values], -1).narrow(-1, values.shape[^1], values.shape[^1]);
}
