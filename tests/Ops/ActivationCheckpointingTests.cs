using System.Runtime.InteropServices;
using PatchKit.Tests.Torch;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>Gradient checkpointing: the same numbers for less memory.</summary>
public sealed class ActivationCheckpointingTests
{
    private static readonly Func<Func<Tensor, Tensor>, Tensor, Tensor> Plain = (block, x) => block(x),
        Checkpointed = Engine.CheckpointActivations;

    [Fact]
    public void GradientsAreBitIdenticalWithDropoutInside() =>
        AssertSameGradients((run, net, x) => run(net.call, run(net.call, x)));

    [Fact]
    public void BlocksMayBeNested() =>
        AssertSameGradients((run, net, x) => run(y => run(net.call, net.call(run(net.call, y))), x));

    [Fact]
    public void ABlockMayReturnItsInputOrAViewOfIt() =>
        AssertSameGradients((run, net, x) => net.call(run(y => y, run(y => y.flip(0).alias(), x))));

    [Fact]
    public void RandomNumbersGoOnAsWithoutCheckpointing()
    {
        Tensor After(Func<Func<Tensor, Tensor>, Tensor, Tensor> run)
        {
            manual_seed(4);
            run(x => nn.functional.dropout(x, 0.5), ones([100]).requires_grad_()).sum().backward();
            return rand([3]);
        }
        Expect.SameBits(After(Plain), After(Checkpointed));
    }

    [Theory, InlineData(true, false), InlineData(true, true), InlineData(false, true)]
    public void TheBlockIsComputedAgainUnderTheAutocastOfItsForward(bool forward, bool backward)
    {
        using var scope = NewDisposeScope();
        Tensor[] Gradients(Func<Func<Tensor, Tensor>, Tensor, Tensor> run)
        {
            manual_seed(8);
            using var net = nn.Sequential(nn.Linear(6, 6), nn.GELU());
            var x = randn([5, 6]).requires_grad_();
            for (int step = 0; step < 2; step++)
            {
                using var region = forward ? Engine.Autocast(CPU) : null;
                var y = run(t => net.call(net.call(t)), x);
                if (!backward)
                    region?.Dispose();
                using var another = backward && !forward ? Engine.Autocast(CPU) : null;
                y.square().sum().backward();
                Assert.Equal(backward ? ScalarType.BFloat16 : ScalarType.Float32, x.matmul(x.mT).dtype);
                using (no_grad())
                    foreach (var parameter in net.parameters())
                        parameter.sub_(parameter.grad!);
            }
            return [x.grad!, .. net.parameters().Select(parameter => parameter.grad!)];
        }
        foreach (var (expected, actual) in Gradients(Plain).Zip(Gradients(Checkpointed)))
            Expect.SameBits(expected, actual);
    }

    [Fact]
    public void UnderAutocastAWeightUsedInAndOutsideTheBlockGetsBothGradients()
    {
        using var scope = NewDisposeScope();
        var x = ones([1, 2]).requires_grad_();
        var weight = tensor(
                new float[,]
                {
                    { 1, 2 },
                    { 3, 4 },
                }
            )
            .requires_grad_();
        Expect.Is("[[7, 11], [9, 13]]", Gradient());
        using (no_grad())
            weight.add_(1);
        Expect.Is("[[11, 15], [13, 17]]", Gradient()); // not by a cast left over from the first backward pass

        Tensor Gradient()
        {
            weight.grad = null;
            Tensor loss;
            using (Engine.Autocast(CPU))
                loss = Engine.CheckpointActivations(t => t.matmul(weight), x).matmul(weight).sum();
            loss.backward();
            return weight.grad!;
        }
    }

    [Fact]
    public void AnExceptionInTheRecomputedBlockSurfacesAsItself()
    {
        using var scope = NewDisposeScope();
        var failure = new InvalidDataException("the second time");
        var x = randn([3]).requires_grad_();
        int calls = 0;
        var y = Engine.CheckpointActivations(t => ++calls == 1 ? t * 2 : throw failure, x).sum();
        Assert.Same(failure, Assert.Throws<InvalidDataException>(() => Engine.Backward(y)));

        // an error after it is its own
        Expect.Refused<ExternalException>(() => x.matmul(ones([4])), "inconsistent tensor size");
        Engine.CheckpointActivations(t => t * 2, x).sum().backward();
        Expect.Is("[2, 2, 2]", x.grad!);
    }

    [Fact]
    public void AnExceptionInTheFirstRunSurfacesAndHoldsNothing()
    {
        Garbage.Collect();
        long live = Live();
        using (NewDisposeScope())
        {
            var x = randn([3]).requires_grad_();
            Assert.Throws<InvalidDataException>(() =>
                Engine.CheckpointActivations(_ => throw new InvalidDataException("no"), x)
            );
        }
        Assert.Equal(live, Live());
    }

    [Fact]
    public void WithoutAGraphTheBlockIsSimplyRun()
    {
        using var scope = NewDisposeScope();
        Assert.False(Engine.CheckpointActivations(x => x * 2, ones([3])).requires_grad);
        using var recording = no_grad();
        Assert.False(Engine.CheckpointActivations(x => x * 2, ones([3]).requires_grad_()).requires_grad);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EverythingIsReleasedWhetherOrNotBackwardIsCalled(bool backward)
    {
        Step(backward); // the first gradient stays with its parameter
        Garbage.Collect();
        long live = Live(),
            bytes = Engine.Memory().LiveBytes;
        for (int i = 0; i < 5; i++)
            Step(backward);
        Garbage.Collect();
        Assert.Equal((live, bytes), (Live(), Engine.Memory().LiveBytes));

        static void Step(bool backward)
        {
            using var scope = NewDisposeScope();
            var x = randn([1000]).requires_grad_();
            var y = Engine
                .CheckpointActivations(t => Engine.CheckpointActivations(u => (u * 2).exp().sin(), t.cos()), x)
                .sum();
            if (backward)
                y.backward();
        }
    }

    [Fact, Trait("speed", "seconds")]
    public void MemoryIsThatOfOneBlockAndItsInputs()
    {
        const int blocks = 16,
            kept = 3; // both exponentials for their gradients, and what comes out
        const long bytes = 4L << 20;
        long Peak(Func<Func<Tensor, Tensor>, Tensor, Tensor> run)
        {
            using var scope = NewDisposeScope();
            var x = randn([bytes / sizeof(float)]).requires_grad_();
            long before = Engine.Memory().LiveBytes;
            Engine.ResetPeakMemory();
            var y = x;
            for (int i = 0; i < blocks; i++)
                y = run(
                    t =>
                    {
                        using var inner = NewDisposeScope();
                        return t.exp().sin().exp().sin().MoveToOuterDisposeScope();
                    },
                    y
                );
            y.sum().backward();
            return Engine.Memory().PeakBytes - before;
        }
        long plain = Peak(Plain),
            less = Peak(Checkpointed);
        Assert.InRange(plain, blocks * kept * bytes, (blocks * kept + 6) * bytes);
        Assert.InRange(less, blocks * bytes, (blocks + kept + 6) * bytes);
    }

    // Builds twice the same computation from the same weights and random numbers.
    private static void AssertSameGradients(
        Func<Func<Func<Tensor, Tensor>, Tensor, Tensor>, nn.Module<Tensor, Tensor>, Tensor, Tensor> build
    )
    {
        using var scope = NewDisposeScope();
        Tensor[] Gradients(Func<Func<Tensor, Tensor>, Tensor, Tensor> run)
        {
            manual_seed(8);
            using var net = nn.Sequential(
                ("a", nn.Linear(6, 20)),
                ("b", nn.GELU()),
                ("c", nn.Dropout(0.3)),
                ("d", nn.Linear(20, 6))
            );
            var x = randn([5, 6]).requires_grad_();
            var y = build(run, net, x);
            y.square().sum().backward();
            return [y.detach(), x.grad!, .. net.parameters().Select(parameter => parameter.grad!)];
        }
        foreach (var (expected, actual) in Gradients(Plain).Zip(Gradients(Checkpointed)))
            Expect.SameBits(expected, actual);
    }

    private static long Live()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Engine.LiveTensors;
    }
}
