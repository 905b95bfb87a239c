using PatchKit.Models;
using PatchKit.Ops;
using PatchKit.Tests.Golden;
using PatchKit.Tests.Torch;
using PatchKit.Torch;
using PatchKit.Torch.Calls;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>
/// The kernels for GPUs: on one where tests compute there, else run on the CPU by lib/Native/cuda/emulator through the
/// same calls from C#. Values and gradients against the references in float64, in every type, for odd sizes, several
/// chunks and strided inputs; the same bits twice, emulated also when threads run the other way round.
/// </summary>
[Trait("speed", "seconds")]
public sealed class CudaKernelTests
{
    private static readonly Dictionary<ScalarType, double> Tolerances = new()
    {
        [ScalarType.Float32] = 3e-5,
        [ScalarType.BFloat16] = 0.03,
        [ScalarType.Float16] = 4e-3,
    };

    // Which inputs have the type of x; the others are float32.
    private static readonly Dictionary<string, int[]> OfTypeOfX = new()
    {
        ["ssd_scan"] = [0, 3, 4, 6],
        ["causal_conv1d"] = [0, 3],
        ["rms_norm"] = [0, 2],
        ["roi_align"] = [0],
    };

    /// <summary>
    /// Every combination of optional inputs in float32; in the narrow types every norm and region, and of the many
    /// scans and convolutions every fifth.
    /// </summary>
    public static IEnumerable<TheoryDataRow<string, ScalarType>> Cases =>
        from type in Tolerances.Keys
        from named in OperatorCase
            .Names.Where(name => !name.StartsWith("attention", StringComparison.Ordinal))
            .Select((name, i) => (name, i))
        where type == ScalarType.Float32 || named.i % 5 == 0 || named.name[0] == 'r'
        select new TheoryDataRow<string, ScalarType>(named.name, type);

    public static TheoryData<string, ScalarType> LongScans
    {
        get
        {
            var data = new TheoryData<string, ScalarType>();
            foreach (var type in Tolerances.Keys)
            foreach (string name in Scans.Keys)
                data.Add(name, type);
            return data;
        }
    }

    private static readonly Dictionary<string, Func<ScanInputs>> Scans = new()
    {
        ["three chunks, padded sides, two groups"] = () =>
            ScanInputs.Random(
                b: 2,
                l: 130,
                h: 4,
                p: 20,
                g: 2,
                n: 24,
                z: true,
                initial: true,
                dtype: ScalarType.Float64
            ),
        ["the sides of Adventurer's"] = () => ScanInputs.Random(b: 1, l: 65, h: 3, p: 64, g: 1, n: 64),
        ["odd sides, a wide state"] = () =>
            ScanInputs.Random(b: 1, l: 70, h: 2, p: 7, g: 1, n: 75, skip: 2, initial: true),
    };

    [Theory, MemberData(nameof(Cases))]
    public void KernelsEqualTheReference(string name, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var op = OperatorCase.Make(name);
        Compare(name.Split(' ', ',')[0], op.Inputs, op.Fused, op.Reference, type);
    }

    [Theory, MemberData(nameof(LongScans))]
    public void ScansOverSeveralChunksEqualTheReference(string name, ScalarType type)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var s = Scans[name]();
        ScanInputs Of(Tensor?[] t) => new(t[0]!, t[1]!, t[2]!, t[3]!, t[4]!, t[5], t[6], t[7], s.DtSoftplus, t[8]);
        Tensor[] Both((Tensor Y, Tensor State) result) => [result.Y, result.State];
        Compare(
            "ssd_scan",
            [s.X, s.Dt, s.A, s.B, s.C, s.D, s.Z, s.DtBias, s.InitialState],
            t => Both(Of(t).Fused(64)),
            t => Both(Of(t).Chunked(64)),
            type
        );
    }

    [Theory, InlineData(1), InlineData(63), InlineData(64), InlineData(65), InlineData(200)]
    public void BoxesAreKeptAsTheReferenceKeepsThem(int count)
    {
        using var scope = NewDisposeScope();
        manual_seed(count);
        var device = TestDevice.Current;
        var corners = rand(count, 2) * 30;
        var boxes = cat([corners, corners + rand(count, 2) * 20], 1).to(device);
        var (scores, classes) = ((rand(count) * 20).floor().to(device), randint(3, [count], int64).to(device));
        using var emulated = Emulated();
        foreach (var type in Tolerances.Keys)
        {
            var narrow = boxes.to_type(type);
            foreach (var within in new[] { null, classes })
            {
                var expected = Nms.Composed(narrow.to_type(ScalarType.Float32), scores, within, 0.5);
                Assert.Equal(
                    expected.cpu().data<long>().ToArray(),
                    Nms.Fused(narrow, scores, within, 0.5).cpu().data<long>().ToArray()
                );
            }
        }
        Assert.Equal(0, Nms.Run(boxes[..0], scores[..0], 0.5).shape[0]);
    }

    [Fact]
    public void ALaunchThatFailsNamesItsKernelAndItsSizes()
    {
        Assert.SkipUnless(TestDevice.Current.type == DeviceType.CPU, "the sentence is the emulator's.");
        using var scope = NewDisposeScope();
        var s = ScanInputs.Random(b: 1, l: 3, h: 1, p: 128, g: 1, n: 128, dtype: ScalarType.Float32);
        using var emulated = CudaLibrary.Emulate();
        // Scan takes the chunked form, as these sizes' tiles do not fit.
        Assert.True(SsdScan.Scan(s.X, s.Dt, s.A, s.B, s.C).Y.isfinite().all().item<bool>());
        var y = s.Select(input => input.requires_grad_()).Fused(64).Y;
        var e = Assert.Throws<InvalidOperationException>(() => Engine.Backward(y.sum()));
        Assert.StartsWith(
            "patchkit::ssd_scan_backward on cpu with x [1, 3, 1, 128] of Float32: ssd_scan backward: "
                + "gradients (1 blocks of 256 threads, 2",
            e.Message,
            StringComparison.Ordinal
        );
        Assert.Contains("CUDA error 1, invalid argument", e.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// A model's training step as on a GPU: bfloat16 autocast around modules whose parameters are float32, through all
    /// the kernels, and a step of the optimizer.
    /// </summary>
    [Fact]
    public void AdventurerTrainsThroughThem()
    {
        Assert.SkipUnless(TestDevice.Current.type == DeviceType.CPU, "this is how a GPU is rehearsed.");
        using var scope = NewDisposeScope();
        var images = randn(2, 3, 16, 16);
        var labels = tensor(new long[] { 1, 3 });
        double[] Losses(bool emulated)
        {
            Engine.Seed(3);
            using var model = new AdventurerConfig
            {
                Height = 16,
                Width = 16,
                PatchSize = 4,
                Classes = 5,
                EmbedDim = 32,
                Depth = 2,
                HeadDim = 16,
                StateDim = 16,
            }.Create();
            using var optimizer = new FusedAdamW(model.parameters(), 1e-3);
            using var kernels = emulated ? CudaLibrary.Emulate() : null;
            return
            [
                .. Enumerable
                    .Range(0, 3)
                    .Select(_ =>
                    {
                        using var step = NewDisposeScope();
                        Tensor logits;
                        using (Engine.Autocast(CPU))
                            logits = model.call(images);
                        var loss = nn.functional.cross_entropy(logits.to_type(ScalarType.Float32), labels);
                        optimizer.zero_grad();
                        Engine.Backward(loss);
                        Assert.All(
                            model.parameters(),
                            parameter => Assert.True(parameter.grad!.isfinite().all().item<bool>())
                        );
                        optimizer.step();
                        return loss.item<float>();
                    }),
            ];
        }
        double[] own = Losses(emulated: false),
            theirs = Losses(emulated: true);
        Assert.All(own.Zip(theirs), pair => Assert.Equal(pair.First, pair.Second, 0.03));
        Assert.True(theirs[2] < theirs[0], string.Join(", ", theirs));
    }

    private static IDisposable? Emulated() => TestDevice.Current.type == DeviceType.CPU ? CudaLibrary.Emulate() : null;

    private static void Compare(
        string op,
        Tensor?[] inputs,
        Func<Tensor?[], Tensor[]> fused,
        Func<Tensor?[], Tensor[]> reference,
        ScalarType type
    )
    {
        var narrow = inputs
            .Select((input, i) => input?.to_type(OfTypeOfX[op].Contains(i) ? type : ScalarType.Float32))
            .ToArray();
        var expected = Results(reference, narrow, ScalarType.Float64, type, input => input.to_type(ScalarType.Float64));
        using var emulated = Emulated();
        var actual = Results(fused, narrow, null, type, input => input.clone());
        for (int i = 0; i < expected.Length; i++)
        {
            double error = GoldenFile.Error(actual[i], expected[i]);
            // A head's or channel's gradient is a sum over all positions: its terms cancel, what rounding did to them
            // does not.
            double allowed = Tolerances[type] * (type != ScalarType.Float32 && expected[i].dim() == 1 ? 4 : 1);
            Assert.True(
                error <= allowed,
                $"result {i} of shape [{string.Join(", ", expected[i].shape)}] is off by {error:G3} of its "
                    + $"largest magnitude; {allowed:G3} is allowed."
            );
        }
        if (emulated is not null)
            CudaLibrary.EmulateBackwards(true);
        try
        {
            var again = Results(fused, narrow, null, type, EverySecond);
            foreach (var (a, b) in actual.Zip(again))
                Expect.SameBits(a.detach(), b.detach());
        }
        finally
        {
            if (emulated is not null)
                CudaLibrary.EmulateBackwards(false);
        }
    }

    /// <summary>
    /// The outputs, then the gradient of a weighting of them for each input; weights are exact in the narrow type.
    /// </summary>
    private static Tensor[] Results(
        Func<Tensor?[], Tensor[]> op,
        Tensor?[] inputs,
        ScalarType? computed,
        ScalarType type,
        Func<Tensor, Tensor> change
    )
    {
        Tensor?[] leaves = [.. inputs.Select(input => input is null ? null : change(input).detach().requires_grad_())];
        var outputs = op(leaves);
        var weights = outputs
            .Select(output =>
                (arange(output.numel(), ScalarType.Float64, output.device) * 0.7)
                    .sin()
                    .view(output.shape)
                    .to_type(type)
                    .to_type(computed ?? output.dtype)
            )
            .ToList();
        return [.. outputs, .. Engine.Gradients(outputs, [.. leaves.OfType<Tensor>()], weights)];
    }

    /// <summary>
    /// The same numbers, every second of a longer tensor's along the last dimension but one, so that rows are apart.
    /// </summary>
    private static Tensor EverySecond(Tensor input)
    {
        if (input.ndim < 2)
            return input.clone();
        var wide = stack([input, full_like(input, 99)], (int)input.ndim - 1);
        return wide.select(input.ndim - 1, 0);
    }
}
