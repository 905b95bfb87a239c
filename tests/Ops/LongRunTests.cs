using System.Diagnostics;
using PatchKit.Ops;
using PatchKit.Tests.Engines;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>Operators on long sequences and several threads: bits that repeat, and cancellation in the middle of an operator.</summary>
public sealed class LongRunTests
{
    private static readonly Op ScanForward = "patchkit::_ssd_scan_forward", ScanBackward = "patchkit::_ssd_scan_backward", AttentionBackward = "patchkit::_attention_backward",
        ConvForward = "patchkit::_causal_conv1d_forward", NormForward = "patchkit::_rms_norm_forward";

    private static readonly Dictionary<string, Func<Tensor[]>> Steps = new()
    {
        ["scan"] = () =>
        {
            var inputs = ScanInputs.Random(b: 2, l: 700, h: 6, p: 64, g: 2, n: 32, z: true, initial: true, dtype: ScalarType.Float32).Select(OperatorTests.Leaf);
            return OperatorTests.Results(_ => inputs.Fused(64) is var (y, state) ? [y, state] : [], inputs.Tensors);
        },
        ["attention"] = () => OperatorTests.Results(t => [Engine.Attention(t[0]!, t[1]!, t[2]!, null)], [Leaf(1, 6, 700, 64), Leaf(1, 6, 700, 64), Leaf(1, 6, 700, 64)]),
        ["convolution"] = () => OperatorTests.Results(t => [Engine.CausalConv(t[0]!, t[1]!, t[2], true, null)], [Leaf(2, 3000, 96), Leaf(96, 4), Leaf(96)]),
        ["norm"] = () => OperatorTests.Results(t => [Engine.RmsNorm(t[0]!, t[1]!, t[2], 1e-5, 0, false)], [Leaf(2, 3000, 96), Leaf(96), Leaf(2, 3000, 96)]),
    };

    public static IEnumerable<TheoryDataRow<string>> StepNames => Steps.Keys.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(StepNames))]
    public void RepeatsAreBitIdentical(string name)
    {
        using var scope = NewDisposeScope();
        Tensor[] Step()
        {
            manual_seed(3);
            return Steps[name]();
        }
        var first = Step();
        for (int repeat = 0; repeat < 5; repeat++)
            foreach (var (once, again) in first.Zip(Step())) Expect.SameBits(once.detach(), again.detach());
    }

    [Fact]
    public void ACancelledScanEnds() => AssertStops(() =>
    {
        var t = LongScan(800_000);
        ScanForward.Call3(t.X, t.Dt, t.A, t.B, t.C, Arg.None, Arg.None, Arg.None, Arg.None, true, 64, false);
    });

    [Fact]
    public void ACancelledBackwardScanEnds() => AssertStops(() =>
    {
        var t = LongScan(300_000);
        var states = empty([(300_000 + 63) / 64 * 16 * 64 * 64]);
        ScanBackward.Invoke(t.X, Arg.None, states, t.X, t.Dt, t.A, t.B, t.C, Arg.None, Arg.None, Arg.None, Arg.None, true, 64);
    });

    [Fact]
    public void CancelledAttentionEnds() => AssertStops(() =>
    {
        var q = LongHeads();
        Engine.Attention(q, q, q, null);
    });

    [Fact]
    public void CancelledBackwardAttentionEnds() => AssertStops(() =>
    {
        var q = LongHeads();
        AttentionBackward.Call3(q, q, q, q, q, zeros(q.shape[..3]), false, 0.125);
    });

    [Fact]
    public void ACancelledTrainingStepEndsAlsoInRecomputedBlocks() => AssertStops(() =>
    {
        var x = randn([1, 4, 256, 64]).requires_grad_();
        Tensor Block(Tensor q) => Engine.Attention(q, q, q, null);
        Engine.Checkpoint(Block, Engine.Checkpoint(Block, x)).sum().backward();
    });

    [Fact]
    public void AfterAStopOperatorsRunAgain()
    {
        using var scope = NewDisposeScope();
        using var source = new CancellationTokenSource();
        var q = randn([1, 1, 8, 4]);
        using (Engine.StopOn(source.Token))
        {
            source.Cancel();
            Assert.Throws<OperationCanceledException>(() => Engine.Attention(q, q, q, null));
            using (Engine.StopOn(CancellationToken.None)) Assert.Throws<OperationCanceledException>(() => Engine.Attention(q, q, q, null));
            Assert.Throws<OperationCanceledException>(() => Engine.Attention(q, q, q, null));
        }
        Engine.Attention(q, q, q, null);
    }

    // Tokens that are all the same take no memory: only what comes out does.
    private static ScanInputs LongScan(long length) => new(
        randn([1, 1, 16, 64]).expand(1, length, -1, -1), randn([1, 1, 16]).expand(1, length, -1), -rand([16]),
        randn([1, 1, 1, 64]).expand(1, length, -1, -1), randn([1, 1, 1, 64]).expand(1, length, -1, -1), null, null, null, true, null);

    private static Tensor LongHeads() => randn([1, 4, 1, 64]).expand(-1, -1, 50_177, -1);

    private static Tensor Leaf(params long[] sizes) => randn(sizes).requires_grad_();

    // It takes milliseconds; a slow and busy machine may take a thousand times that. Work that is done before the stop is done again.
    private static void AssertStops(Action work)
    {
        using var source = new CancellationTokenSource();
        using var stop = Engine.StopOn(source.Token);
        long asked = 0;
        bool stopped = false;
        var stopper = new Thread(() =>
        {
            Thread.Sleep(300);
            asked = Stopwatch.GetTimestamp();
            source.Cancel();
            Volatile.Write(ref stopped, true);
        });
        stopper.Start();
        Assert.Throws<OperationCanceledException>(() =>
        {
            for (bool last = false; !last;)
            {
                last = Volatile.Read(ref stopped);
                using var scope = NewDisposeScope();
                work();
            }
        });
        var took = Stopwatch.GetElapsedTime(asked);
        stopper.Join();
        Assert.InRange(took.TotalSeconds, 0, 10);
    }
}
