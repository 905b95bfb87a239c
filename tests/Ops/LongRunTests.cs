using System.Diagnostics;
using PatchKit.Ops;
using PatchKit.Tests.Torch;
using PatchKit.Torch;
using PatchKit.Torch.Calls;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>
/// Operators on long sequences and several threads: bits that repeat, and cancellation in the middle of an operator.
/// </summary>
[Trait("speed", "seconds")]
public sealed class LongRunTests
{
    private static readonly Dictionary<string, Func<Tensor[]>> Steps = new()
    {
        ["scan"] = () =>
        {
            var inputs = ScanInputs
                .Random(b: 2, l: 700, h: 6, p: 64, g: 2, n: 32, z: true, initial: true, dtype: ScalarType.Float32)
                .Select(OperatorTests.Leaf);
            return OperatorTests.Results(_ => inputs.Fused(64) is var (y, state) ? [y, state] : [], inputs.Tensors);
        },
        ["attention"] = () =>
            OperatorTests.Results(
                t => [Attention.Tiled(t[0]!, t[1]!, t[2]!)],
                [Leaf(1, 6, 700, 64), Leaf(1, 6, 700, 64), Leaf(1, 6, 700, 64)]
            ),
        ["convolution"] = () =>
            OperatorTests.Results(
                t => [CausalConv.Fused(t[0]!, t[1]!, t[2], true, null)],
                [Leaf(2, 3000, 96), Leaf(96, 4), Leaf(96)]
            ),
        ["norm"] = () =>
            OperatorTests.Results(
                t => [RmsNorm.Fused(t[0]!, t[1]!, t[2], 1e-5, 0, false)],
                [Leaf(2, 3000, 96), Leaf(96), Leaf(2, 3000, 96)]
            ),
    };

    public static IEnumerable<TheoryDataRow<string>> StepNames =>
        Steps.Keys.Select(name => new TheoryDataRow<string>(name));

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
            foreach (var (once, again) in first.Zip(Step()))
                Expect.SameBits(once.detach(), again.detach());
    }

    [Fact]
    public void ACancelledScanEnds() =>
        AssertStops(() =>
        {
            LongScan(800_000).Fused(64);
        });

    [Fact]
    public void ACancelledBackwardScanEnds() =>
        AssertStops(() =>
        {
            const int length = 300_000,
                heads = 16,
                features = 64,
                state = 64;
            var t = LongScan(length);
            Operand x = new(t.X),
                dt = new(t.Dt),
                a = new(t.A),
                b = new(t.B),
                c = new(t.C);
            var call = new SsdScanCall
            {
                Batch = 1,
                Length = length,
                Heads = heads,
                Groups = 1,
                HeadDim = features,
                StateDim = state,
                Chunk = 64,
                Type = (int)x.Type,
                Threads = get_num_threads(),
                DtSoftplus = 1,
                X = x.View3,
                Dt = dt.View3,
                B = b.View3,
                C = c.View3,
                A = a.Data,
                GradY = x.View3,
            };
            call.ChunkStates = new Operand(empty([call.StatesSize(default)])).Data;
            call.GradX = new Operand(empty([1, length, heads, features])).View3;
            (call.GradDt, call.GradA) = (new Operand(empty([1, length, heads])).Data, new Operand(empty([heads])).Data);
            (call.GradB, call.GradC) = (
                new Operand(empty([1, length, 1, state])).Data,
                new Operand(empty([1, length, 1, state])).Data
            );
            call.Backward(default, t.X);
            t.Tensors.ToList().ForEach(GC.KeepAlive);
        });

    [Fact]
    public void CancelledAttentionEnds() =>
        AssertStops(() =>
        {
            var q = LongHeads();
            Attention.Tiled(q, q, q);
        });

    [Fact]
    public void CancelledBackwardAttentionEnds() =>
        AssertStops(() =>
        {
            var q = LongHeads();
            Operand rows = new(q),
                statistics = new(zeros(q.shape[..3]));
            View3 Gradient() => new Operand(empty(q.shape)).View3;
            new AttentionCall
            {
                Batch = 1,
                Heads = q.shape[1],
                Queries = q.shape[2],
                Keys = q.shape[2],
                Dim = q.shape[3],
                Scale = 0.125,
                Type = (int)rows.Type,
                Threads = get_num_threads(),
                Q = rows.View3,
                K = rows.View3,
                V = rows.View3,
                Out = rows.View3,
                LogSumExp = statistics.Data,
                GradOut = rows.View3,
                GradQ = Gradient(),
                GradK = Gradient(),
                GradV = Gradient(),
            }.Backward();
        });

    [Fact]
    public void ACancelledTrainingStepEndsAlsoInRecomputedBlocks() =>
        AssertStops(() =>
        {
            var x = randn([1, 4, 256, 64]).requires_grad_();
            Tensor Block(Tensor q) => Attention.Tiled(q, q, q);
            Engine.Backward(Engine.CheckpointActivations(Block, Engine.CheckpointActivations(Block, x)).sum());
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
            Assert.Throws<OperationCanceledException>(() => Attention.Tiled(q, q, q));
            using (Engine.StopOn(CancellationToken.None))
                Assert.Throws<OperationCanceledException>(() => Attention.Tiled(q, q, q));
            Assert.Throws<OperationCanceledException>(() => Attention.Tiled(q, q, q));
        }
        Attention.Tiled(q, q, q);
    }

    // Tokens that are all the same take no memory: only what comes out does.
    private static ScanInputs LongScan(long length) =>
        new(
            randn([1, 1, 16, 64]).expand(1, length, -1, -1),
            randn([1, 1, 16]).expand(1, length, -1),
            -rand([16]),
            randn([1, 1, 1, 64]).expand(1, length, -1, -1),
            randn([1, 1, 1, 64]).expand(1, length, -1, -1),
            null,
            null,
            null,
            true,
            null
        );

    private static Tensor LongHeads() => randn([1, 4, 1, 64]).expand(-1, -1, 50_177, -1);

    private static Tensor Leaf(params long[] sizes) => randn(sizes).requires_grad_();

    // It takes milliseconds; a slow and busy machine may take a thousand times that. Work that is done before the stop
    // is done again.
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
            for (bool last = false; !last; )
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
