using System.Runtime.InteropServices;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static PatchKit.Tests.Torch.Expect;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch.Mends;

/// <summary>Much memory: held for good, left lying about, or more than there is.</summary>
[Trait("speed", "seconds")]
public sealed class MemoryLimits
{
    private const long Megabyte = 1 << 20;

    private static Tensor Block(long megabytes) => empty([megabytes * Megabyte], uint8);

    [Fact]
    public void WhatDoesNotFitIsAnOutOfMemoryException()
    {
        Refused<ExternalException>(() => empty([1L << 50], uint8), "can't allocate memory", "1125899906842624 bytes");
        Refused<ExternalException>(() => zeros([1L << 25, 1L << 25]), "can't allocate memory");
        Refused<ExternalException>(() => ones([1L << 60, 1L << 60]), "overflow");
        Is("[1]", ones(1));
    }

    [Fact]
    public void AFailedBackwardLeavesTheTapeUsable()
    {
        var x = ones([3], requires_grad: true);
        var y = x.exp();
        y.add_(1);
        for (int i = 0; i < 3; i++)
            Refused<ExternalException>(() => y.sum().backward(), "modified by an inplace operation");
        Assert.Null(x.grad);
        x.exp().sum().backward();
        Is("[2.7183, 2.7183, 2.7183]", x.grad!);
    }

    [Fact]
    public void TensorsLeftLyingAboutAreCollectedInTime()
    {
        Garbage.LowerTheLimit();
        long held = Engine.Memory().LiveBytes; // by other tests
        // Written to, as a step's tensors are: else 3 GB are taken before a collector on a busy machine has its turn.
        // The limit that a large model before may have left comes down.
        for (int i = 0; i < 2000; i++)
            Block(8).zero_();
        Engine.ResetPeakMemory();
        for (int i = 0; i < 400; i++)
            Block(8).zero_();
        // Garbage may grow to as much as is held for good, and on a busy machine while a collection waits for its turn.
        Assert.InRange(Engine.Memory().PeakBytes, 0, 2 * held + 200 * Megabyte);
    }

    [Fact]
    public void AModelThatHoldsMuchIsNotCollectedForIt()
    {
        using var scope = NewDisposeScope();
        for (int i = 0; i < 60; i++)
            Block(8);
        int full = GC.CollectionCount(2);
        for (int i = 0; i < 300; i++)
        {
            using var step = NewDisposeScope();
            for (int k = 0; k < 4; k++)
                Block(8);
        }
        Assert.InRange(GC.CollectionCount(2) - full, 0, 2);
    }

    [Fact]
    public void GarbageBesideALargeModelCostsOnlyYoungCollections()
    {
        Garbage.LowerTheLimit();
        using var scope = NewDisposeScope();
        for (int i = 0; i < 60; i++)
            Block(8);
        int full = GC.CollectionCount(2),
            young = GC.CollectionCount(0);
        for (int i = 0; i < 400; i++)
            Block(8).DetachFromDisposeScope();
        Assert.InRange(GC.CollectionCount(2) - full, 0, 3);
        Assert.InRange(GC.CollectionCount(0) - young, 1, 40);
    }
}
