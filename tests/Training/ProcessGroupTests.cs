using System.Net;
using System.Net.Sockets;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training;

/// <summary>Collectives over Gloo, between ranks that are threads of this process.</summary>
public sealed class ProcessGroupTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void TheirValues(int ranks)
    {
        var seen = Together(ranks, group =>
        {
            using var scope = NewDisposeScope();
            var sum = tensor(new[] { 1.0 + group.Rank, 10 });
            group.AllReduce(sum);
            var most = tensor(new long[] { group.Rank });
            group.AllReduce(most, ReduceOp.Max);
            var given = tensor(new float[] { group.Rank, 7 });
            group.Broadcast(given, ranks - 1);
            var all = group.AllGather(tensor(new[] { 100.0 + group.Rank }));
            group.Barrier();
            string text = group.Share(() => $"from {group.Rank}");
            return (Sum: sum.data<double>().ToArray(), Most: most.item<long>(), Given: given.data<float>().ToArray(), All: all.Select(one => one.item<double>()).ToArray(), text);
        });
        foreach (var (sum, most, given, all, text) in seen)
        {
            Assert.Equal([ranks * (ranks + 1) / 2.0, 10.0 * ranks], sum);
            Assert.Equal(ranks - 1, most);
            Assert.Equal([ranks - 1, 7], given);
            Assert.Equal(Enumerable.Range(0, ranks).Select(rank => 100.0 + rank), all);
            Assert.Equal("from 0", text);
        }
    }

    /// <summary>In small buckets, with a gradient that only one rank has, and one that none has.</summary>
    [Theory, InlineData(1), InlineData(1 << 20)]
    public void GradientsAreTheRanksMean(int bucketBytes)
    {
        var seen = Together(2, group =>
        {
            using var scope = NewDisposeScope();
            Tensor[] weights = [.. Enumerable.Range(0, 4).Select(i => full([2, 3], i + 1.0, float64).requires_grad_())];
            using var sync = group.Gradients(weights, bucketBytes);
            double scale = group.Rank + 1;
            var earlier = (weights[0] * scale).sum();
            earlier.backward();                                              // a part before the last one goes out with it
            var loss = (weights[0] * weights[1] * scale).sum();
            if (group.Rank == 1) loss = loss + (weights[2] * 4).sum();
            sync.Arm(tensor(new[] { scale, 0.0 }));
            loss.backward();
            double[] extras = sync.Finish(2);
            return (weights.Select(weight => weight.grad is { } grad ? grad[0, 0].item<double>() : double.NaN).ToArray(), extras);
        });
        foreach (var (gradients, extras) in seen)
        {
            Assert.Equal([1.5 + 2 * 1.5, 1.5, 2, double.NaN], gradients);
            Assert.Equal([1.5, 0], extras);
        }
    }

    [Fact]
    public void ARankThatFailsEndsTheOthersWait()
    {
        var seen = Together(2, group =>
        {
            if (group.Rank == 1)
            {
                group.Fail("the disk is full.");
                return "";
            }
            using var one = tensor(new[] { 1.0 });
            return Assert.Throws<RankLostException>(() => group.AllReduce(one)).Message;
        });
        Assert.Equal("rank 1 has stopped: the disk is full", seen[0]);
    }

    private static T[] Together<T>(int ranks, Func<ProcessGroup, T> work)
    {
        Assert.SkipUnless(ProcessGroup.Backends.HasFlag(CollectiveBackends.Gloo), ProcessGroup.Absence);
        int port = FreePort();
        var (results, failures) = (new T[ranks], new Exception?[ranks]);
        Thread[] threads = [.. Enumerable.Range(0, ranks).Select(rank => new Thread(() =>
        {
            try
            {
                using var group = ProcessGroup.Join(new RankPlace(rank, ranks, rank, "127.0.0.1", port), CPU);
                results[rank] = work(group);
            }
            catch (Exception e)
            {
                failures[rank] = e;
            }
        }))];
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.All(failures, failure => Assert.Null(failure));
        return results;
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
