using PatchKit.Ops;
using PatchKit.Tests.Torch;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>
/// The scan at sizes of all kinds: forms that agree, memory, final states and refusals. See also
/// <see cref="OperatorTests"/>.
/// </summary>
public sealed class SsdScanTests
{
    public SsdScanTests() => manual_seed(1);

    [Fact, Trait("speed", "seconds")]
    public void TwoHundredRandomShapesAgreeInAllForms()
    {
        var random = new Random(20);
        for (int i = 0; i < 200; i++)
        {
            using var scope = NewDisposeScope();
            int groups = random.Next(1, 4),
                chunk = random.Next(1, 40);
            bool Maybe() => random.Next(2) == 0;
            var inputs = ScanInputs.Random(
                b: random.Next(1, 4),
                l: random.Next(4) > 0 ? random.Next(1, 40) : random.Next(40, 140),
                h: groups * random.Next(1, 4),
                p: random.Next(1, 20),
                groups,
                n: random.Next(1, 20),
                random.Next(3),
                z: Maybe(),
                bias: Maybe(),
                softplus: Maybe(),
                initial: Maybe()
            );
            Tensor[] Results(Func<ScanInputs, (Tensor, Tensor)> form)
            {
                var leaves = inputs.Select(OperatorTests.Leaf);
                return OperatorTests.Results(_ => form(leaves) is var (y, state) ? [y, state] : [], leaves.Tensors);
            }
            var expected = Results(ScanInputs.Forms["sequential"]);
            OperatorTests.AssertClose(expected, Results(leaves => leaves.Chunked(chunk)), 1e-10);
            OperatorTests.AssertClose(expected, Results(leaves => leaves.Fused(chunk)), 1e-10);
        }
    }

    [Theory]
    [InlineData(1, 64)]
    [InlineData(63, 64)]
    [InlineData(64, 64)]
    [InlineData(65, 64)]
    [InlineData(127, 1)]
    [InlineData(197, 1000)]
    public void AnyLengthAndAnyChunkGiveTheSame(long length, int chunk)
    {
        using var scope = NewDisposeScope();
        var inputs = ScanInputs.Random(b: 1, length, h: 2, p: 8, g: 1, n: 8, z: true, initial: true);
        var (y, state) = SsdScan.Sequential(
            inputs.X,
            inputs.Dt,
            inputs.A,
            inputs.B,
            inputs.C,
            inputs.D,
            inputs.Z,
            inputs.DtBias,
            inputs.DtSoftplus,
            inputs.InitialState
        );
        foreach (var (otherY, otherState) in new[] { inputs.Chunked(chunk), inputs.Fused(chunk) })
            OperatorTests.AssertClose([y, state], [otherY, otherState], 1e-12);
    }

    [Fact]
    public void ASequenceInTwoPartsGoesOnFromTheStateOfTheFirst()
    {
        using var scope = NewDisposeScope();
        var all = ScanInputs.Random(b: 2, l: 50, h: 2, p: 4, g: 1, n: 4);
        ScanInputs Part(long from, long length, Tensor? state) =>
            all with
            {
                X = all.X.narrow(1, from, length),
                Dt = all.Dt.narrow(1, from, length),
                B = all.B.narrow(1, from, length),
                C = all.C.narrow(1, from, length),
                InitialState = state,
            };
        var (y, last) = all.Fused(64);
        var (y1, middle) = Part(0, 17, null).Fused(64);
        var (y2, end) = Part(17, 33, middle).Fused(64);
        OperatorTests.AssertClose([y, last], [cat([y1, y2], 1), end], 1e-12);
    }

    [Fact]
    public void AFinalStateAloneHasGradients()
    {
        using var scope = NewDisposeScope();
        var inputs = ScanInputs.Random(b: 1, l: 9, h: 2, p: 3, g: 1, n: 3, initial: true);
        // D and C have no part in the state.
        GradCheck.Passes(
            () => [inputs.Fused(4).FinalState],
            inputs.X,
            inputs.Dt,
            inputs.A,
            inputs.B,
            inputs.DtBias,
            inputs.InitialState
        );
    }

    [Fact]
    public void ALongStepNeitherOverflowsNorForgetsItsGradient()
    {
        using var scope = NewDisposeScope();
        var inputs = ScanInputs.Random(b: 1, l: 200, h: 2, p: 8, g: 1, n: 8, dtype: ScalarType.Float32) with
        {
            Dt = full([1, 200, 2], 60.0, device: TestDevice.Current),
        };
        var results = OperatorTests.Results(
            _ => [inputs.Fused(64).Y],
            [.. inputs.Tensors.Select(tensor => tensor.requires_grad_())]
        );
        Assert.All(results, result => Assert.True(result.isfinite().all().item<bool>()));
    }

    [Fact]
    public void NoSequenceOfStatesIsHeld()
    {
        Assert.SkipUnless(TestDevice.Current.type == DeviceType.CPU, "Engine.Memory counts the CPU's bytes");
        using var scope = NewDisposeScope();
        const long length = 4096,
            heads = 2,
            features = 64,
            state = 64;
        var inputs = ScanInputs
            .Random(b: 1, length, heads, features, g: 1, state, dtype: ScalarType.Float32)
            .Select(OperatorTests.Leaf);
        long before = Engine.Memory().LiveBytes;
        Engine.ResetPeakMemory();
        OperatorTests.Results(_ => [inputs.Fused(64).Y], inputs.Tensors);
        long grown = Engine.Memory().PeakBytes - before;
        Assert.True(
            grown < length * heads * features * state * sizeof(float) / 4,
            $"{grown:N0} bytes were held, but all states together "
                + $"are {length * heads * features * state * sizeof(float):N0}."
        );
    }

    [Fact]
    public void AnErrorNamesBothShapes()
    {
        using var scope = NewDisposeScope();
        var inputs = ScanInputs.Random(b: 1, l: 5, h: 2, p: 3, g: 1, n: 3);
        Expect.Refused<ArgumentException>(
            () => (inputs with { Dt = inputs.Dt.narrow(1, 0, 4) }).Fused(64),
            "dt",
            "[1, 4, 2]",
            "[1, 5, 2]"
        );
        Expect.Refused<ArgumentException>(
            () => (inputs with { B = inputs.B.expand(1, 5, 3, 3), C = inputs.C.expand(1, 5, 3, 3) }).Fused(64),
            "2 heads",
            "3 groups"
        );
        Expect.Refused<ArgumentException>(
            () => (inputs with { X = inputs.X.to(ScalarType.Float32) }).Fused(64),
            "Float32",
            "Float64"
        );
        Expect.Refused<ArgumentException>(() => inputs.Fused(0), "chunk_size", "0");
    }
}
