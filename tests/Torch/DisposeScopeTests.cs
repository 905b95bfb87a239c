using System.Runtime.CompilerServices;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>When tensors are freed.</summary>
public sealed class DisposeScopeTests
{
    [Fact]
    public void AScopeDisposesWhatWasMadeInIt()
    {
        var outside = ones(1);
        Tensor inside, derived;
        using (var scope = NewDisposeScope())
        {
            inside = ones(1);
            derived = outside + inside;
            Assert.Equal(2, scope.DisposablesCount);
            Assert.True(scope.Contains(inside));
            Assert.False(scope.Contains(outside));
        }
        Assert.Equal((true, true, false), (inside.IsInvalid, derived.IsInvalid, outside.IsInvalid));
    }

    [Fact]
    public void ResultsMoveOutwards()
    {
        using var outer = NewDisposeScope();
        Tensor moved, listed, alsoListed, own, detached, elsewhere;
        using (var inner = NewDisposeScope())
        {
            moved = inner.MoveToOuter(ones(1));
            (listed, alsoListed) = (ones(1), ones(1));
            inner.MoveToOuter(listed, alsoListed);
            own = ones(1).MoveToOuterDisposeScope();
            detached = inner.Detach(ones(1));
            elsewhere = inner.MoveToOther(outer, ones(1));
            Assert.Equal((0, 5), (inner.DisposablesCount, outer.DisposablesCount));
        }
        Assert.All([moved, listed, alsoListed, own, elsewhere], t => Assert.True(outer.Contains(t)));
        Assert.False(outer.Contains(detached));
        Is("[1]", own.MoveToOuterDisposeScope());
        outer.Dispose();
        Assert.Equal((true, false, false), (moved.IsInvalid, own.IsInvalid, detached.IsInvalid));
        own.Dispose();
        detached.Dispose();
    }

    [Fact]
    public void ATensorLeavesAllScopes()
    {
        Tensor kept;
        using (NewDisposeScope()) kept = ones(1).DetachFromDisposeScope();
        Is("[1]", kept.DetachFromDisposeScope());
        using (var scope = NewDisposeScope())
        {
            scope.Attach(kept);
            scope.Attach(kept);
            Assert.Equal(1, scope.DisposablesCount);
        }
        Assert.True(kept.IsInvalid);
    }

    [Fact]
    public void ATensorWhoseHandleIsGivenAwayLeavesItsScope()
    {
        using var scope = NewDisposeScope();
        var given = ones(1);
        using var taken = new Tensor(given.MoveHandle().Handle, register: false);
        Assert.Equal((true, 0), (given.IsInvalid, scope.DisposablesCount));
        Is("[1]", taken);
    }

    [Fact]
    public void EverythingButSomeCanGoEarly()
    {
        using var scope = NewDisposeScope();
        var tensors = Enumerable.Range(0, 6).Select(i => tensor(i)).ToArray();
        tensors[3].Dispose();
        scope.DisposeEverythingBut(tensors[0], tensors[4]);
        Assert.Equal([false, true, true, true, false, true], tensors.Select(t => t.IsInvalid));
        Assert.Equal(2, scope.DisposablesCount);
    }

    [Fact]
    public void ClosingAnOuterScopeClosesThoseWithin()
    {
        var outer = NewDisposeScope();
        var first = ones(1);
        var inner = NewDisposeScope();
        var second = ones(1);
        outer.Dispose();
        Assert.Equal((true, true), (first.IsInvalid, second.IsInvalid));
        var outside = ones(1);
        inner.Dispose();
        outer.Dispose();
        Assert.False(outside.IsInvalid);
        outside.Dispose();
    }

    [Fact]
    public void ScopesAreTheThreadsOwn()
    {
        using var scope = NewDisposeScope();
        Tensor? elsewhere = null;
        var thread = new Thread(() => elsewhere = ones(1));
        thread.Start();
        thread.Join();
        Assert.False(scope.Contains(elsewhere!));
    }

    [Fact]
    public void StatisticsCountWhatWasMadeAndDisposed()
    {
        var statistics = DisposeScopeManager.Statistics;
        statistics.Reset();
        var outside = ones(1);
        using (NewDisposeScope())
        {
            _ = ones(1);
            ones(1).Dispose();
            Assert.Equal((2, 1, 2), (statistics.CreatedInScopeCount, statistics.DisposedInScopeCount, statistics.ThreadTotalLiveCount));
        }
        outside.Dispose();
        outside.Dispose();
        Assert.Equal((1, 1, 2, 0), (statistics.CreatedOutsideScopeCount, statistics.DisposedOutsideScopeCount, statistics.DisposedInScopeCount, statistics.ThreadTotalLiveCount));
        Assert.Equal("in scopes 2 made, 2 disposed; outside 1 made, 1 disposed; 0 live", statistics.ToString());
    }

    [Fact]
    public void UseAfterDisposeGivesASentence()
    {
        Tensor gone;
        using (NewDisposeScope()) gone = ones(2);
        foreach (var use in new Action[] { () => gone.add(1), () => _ = gone.shape, () => _ = gone.dtype, () => ones(2).add(gone), () => gone.backward(), () => gone.data<float>(), () => cat([ones(2), gone]) })
            Refused<ObjectDisposedException>(use, "disposed", "MoveToOuterDisposeScope");
    }

    [Fact]
    public void TensorsThatNobodyHoldsAreFreedByTheGarbageCollector()
    {
        Settle();
        long before = Tensor.TotalCount;
        Make();
        Settle();
        Assert.InRange(Tensor.TotalCount, 0, before); // other tests' last tensors may go now

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Make()
        {
            for (int i = 0; i < 100; i++) _ = ones(10) + 1;
            using var scope = NewDisposeScope();
            for (int i = 0; i < 100; i++) _ = ones(10).DetachFromDisposeScope();
        }

        static void Settle()
        {
            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
    }
}
