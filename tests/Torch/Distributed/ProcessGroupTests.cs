using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using PatchKit.Torch;
using PatchKit.Torch.Distributed;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch.Distributed;

/// <summary>Collectives over Gloo, between ranks that are threads of this process.</summary>
[Trait("speed", "seconds")]
public sealed class ProcessGroupTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void TheirValues(int ranks)
    {
        var seen = Together(
            ranks,
            group =>
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
                return (
                    Sum: sum.data<double>().ToArray(),
                    Most: most.item<long>(),
                    Given: given.data<float>().ToArray(),
                    All: all.Select(one => one.item<double>()).ToArray(),
                    text
                );
            }
        );
        foreach (var (sum, most, given, all, text) in seen)
        {
            Assert.Equal([ranks * (ranks + 1) / 2.0, 10.0 * ranks], sum);
            Assert.Equal(ranks - 1, most);
            Assert.Equal([ranks - 1, 7], given);
            Assert.Equal(Enumerable.Range(0, ranks).Select(rank => 100.0 + rank), all);
            Assert.Equal("from 0", text);
        }
    }

    /// <summary>
    /// The way for GPUs without NCCL, here with tensors that are on the CPU anyway: bfloat16 too, which Gloo has not.
    /// </summary>
    [Fact]
    public void ThroughHostMemory()
    {
        var seen = Together(
            2,
            group =>
            {
                using var scope = NewDisposeScope();
                var sum = tensor(new[] { 1f + group.Rank, 0.5f }).to_type(ScalarType.BFloat16);
                group.AllReduce(sum);
                var given = tensor(new float[] { group.Rank, 7 });
                group.Broadcast(given, 1);
                var all = group.AllGather(tensor(new[] { 100.0 + group.Rank }));
                group.Barrier();
                Tensor[] weights =
                [
                    full([2, 3], 2.0, float64).requires_grad_(),
                    full([1], 3.0, float64).requires_grad_(),
                ];
                using var sync = group.Gradients(weights, 1);
                var loss = (weights[0] * (group.Rank + 1)).sum() + weights[1].sum() * group.Rank;
                sync.Arm(tensor(new[] { (double)group.Rank }));
                loss.backward();
                double mean = sync.Finish(1)[0];
                return (
                    group.Carrier,
                    Sum: sum.to_type(ScalarType.Float32).data<float>().ToArray(),
                    Given: given.data<float>().ToArray(),
                    All: all.Select(one => one.item<double>()).ToArray(),
                    Gradients: weights.Select(weight => weight.grad!.flatten()[0].item<double>()).ToArray(),
                    mean
                );
            },
            new ProcessGroupOptions { ThroughHost = true }
        );
        foreach (var (carrier, sum, given, all, gradients, mean) in seen)
        {
            Assert.Equal(
                "collectives of tensors on cpu go through host memory by Gloo, more slowly, as host memory "
                    + "was asked for.",
                carrier
            );
            Assert.Equal([3f, 1f], sum);
            Assert.Equal([1f, 7f], given);
            Assert.Equal([100.0, 101.0], all);
            Assert.Equal([1.5, 0.5], gradients);
            Assert.Equal(0.5, mean);
        }
    }

    /// <summary>In small buckets, with a gradient that only one rank has, and one that none has.</summary>
    [Theory, InlineData(1, true), InlineData(1 << 20, true), InlineData(1, false)]
    public void GradientsAreTheRanksMean(int bucketBytes, bool early)
    {
        var seen = Together(
            2,
            group =>
            {
                using var scope = NewDisposeScope();
                Tensor[] weights =
                [
                    .. Enumerable.Range(0, 4).Select(i => full([2, 3], i + 1.0, float64).requires_grad_()),
                ];
                using var sync = new GradientSync(group, weights, bucketBytes, early);
                double scale = group.Rank + 1;
                var earlier = (weights[0] * scale).sum();
                earlier.backward(); // a part before the last one goes out with it
                var loss = (weights[0] * weights[1] * scale).sum();
                if (group.Rank == 1)
                    loss = loss + (weights[2] * 4).sum();
                sync.Arm(tensor(new[] { scale, 0.0 }));
                loss.backward();
                double[] extras = sync.Finish(2);
                return (
                    weights
                        .Select(weight => weight.grad is { } grad ? grad[0, 0].item<double>() : double.NaN)
                        .ToArray(),
                    extras
                );
            }
        );
        foreach (var (gradients, extras) in seen)
        {
            Assert.Equal([1.5 + 2 * 1.5, 1.5, 2, double.NaN], gradients);
            Assert.Equal([1.5, 0], extras);
        }
    }

    /// <summary>Element types that are reduced, and the sentence for one that is not.</summary>
    [Fact]
    public void EveryTypeOfNumber()
    {
        var seen = Together(
            2,
            group =>
            {
                using var scope = NewDisposeScope();
                List<double> sums = [];
                foreach (var type in new[] { float16, float32, float64, int32, int64 })
                {
                    var numbers = full([3], 1.5 + group.Rank, float64).to(type);
                    group.AllReduce(numbers);
                    sums.Add(numbers[2].to(float64).item<double>());
                }
                Expect.Refused<ArgumentException>(() => group.AllReduce(zeros([2], bfloat16)), "but not BFloat16");
                Expect.Refused<ArgumentException>(() => group.AllReduce(zeros([2, 3]).t()), "call contiguous() first");
                return sums;
            }
        );
        Assert.All(seen, sums => Assert.Equal([4, 4, 4, 3, 3], sums));
    }

    /// <summary>
    /// Buckets of the later parameters are out before the backward pass ends, and the gradients have the bits of those
    /// that are sent after it.
    /// </summary>
    [Fact]
    public void GradientsGoOutDuringBackward()
    {
        var seen = Together(
            2,
            group =>
                new[] { true, false }
                    .Select(early =>
                    {
                        using var scope = NewDisposeScope();
                        Tensor[] weights =
                        [
                            .. Enumerable
                                .Range(0, 6)
                                .Select(i => (arange(64, dtype: float32) / (i + 2)).requires_grad_()),
                        ];
                        using var sync = new GradientSync(group, weights, bucketBytes: 1, early);
                        var x = full([64], group.Rank + 0.1);
                        foreach (var weight in weights)
                            x = (x * weight).sin();
                        sync.Arm(x.sum().reshape(1));
                        x.sum().backward();
                        int sent = sync.Sent;
                        sync.Finish(1);
                        return (
                            sent,
                            Bits: weights.SelectMany(weight => weight.grad!.data<float>().ToArray()).ToArray()
                        );
                    })
                    .ToArray()
        );
        foreach (var rank in seen)
        {
            Assert.Equal([6, 0], rank.Select(one => one.sent));
            Assert.Equal(rank[0].Bits, rank[1].Bits);
            Assert.Equal(seen[0][0].Bits, rank[0].Bits);
        }
    }

    /// <summary>The backward pass of a checkpointed block is a backward pass inside another.</summary>
    [Fact]
    public void GradientsOfCheckpointedBlocksGoOutToo()
    {
        var seen = Together(
            2,
            group =>
                new[] { true, false }
                    .Select(checkpointed =>
                    {
                        using var scope = NewDisposeScope();
                        Tensor[] weights =
                        [
                            .. Enumerable
                                .Range(0, 4)
                                .Select(i => (arange(64, dtype: float32) / (i + 2)).requires_grad_()),
                        ];
                        using var sync = group.Gradients(weights, bucketBytes: 1);
                        var x = full([64], group.Rank + 0.1).requires_grad_();
                        foreach (var pair in weights.Chunk(2))
                        {
                            Tensor Block(Tensor input) => (input * pair[0]).sin() * pair[1];
                            x = checkpointed ? Engine.CheckpointActivations(Block, x) : Block(x);
                        }
                        sync.Arm(x.sum().reshape(1));
                        Engine.Backward(x.sum());
                        int sent = sync.Sent;
                        sync.Finish(1);
                        return (
                            sent,
                            Bits: weights.SelectMany(weight => weight.grad!.data<float>().ToArray()).ToArray()
                        );
                    })
                    .ToArray()
        );
        foreach (var rank in seen)
        {
            Assert.Equal([4, 4], rank.Select(one => one.sent));
            Assert.Equal(rank[1].Bits, rank[0].Bits);
            Assert.Equal(seen[0][0].Bits, rank[0].Bits);
        }
    }

    /// <summary>
    /// A parameter that two parts of a model share is whole at once; one that gets a second gradient after the first
    /// went out is named.
    /// </summary>
    [Fact]
    public void AGradientThatChangesAfterItWentOutIsRefused()
    {
        Together(
            2,
            group =>
            {
                using var scope = NewDisposeScope();
                var shared = ones([2], requires_grad: true);
                using var sync = group.Gradients([shared], bucketBytes: 1);
                var loss = (shared * shared + shared).sum();
                sync.Arm(loss.reshape(1));
                loss.backward();
                sync.Finish(1);
                Assert.Equal([3f, 3f], shared.grad!.data<float>().ToArray());
                sync.Arm(loss.reshape(1));
                for (int pass = 0; pass < 2; pass++)
                    (shared * 2).sum().backward();
                Expect.Refused<InvalidOperationException>(
                    () => sync.Finish(1),
                    "parameter 0, of shape [2], got a gradient again after the first had gone out"
                );
                Expect.Refused<InvalidOperationException>(() => sync.Finish(1), "arm the gradients before it");
                return 0;
            }
        );
    }

    /// <summary>Its heart stops but its connections stay, as when a machine loses its power.</summary>
    [Fact]
    public void ARankThatFallsSilentEndsTheOthersWait()
    {
        var options = new ProcessGroupOptions
        {
            Silence = TimeSpan.FromSeconds(2),
            Rendezvous = TimeSpan.FromSeconds(30),
        };
        using var server = new ManualResetEventSlim();
        int port = Ports.Free();
        var silent = new Thread(() =>
        {
            // Comes, meets the others, and is then a process that stands still: one beat, and no more.
            var place = new RankPlace(1, 2, 1, "127.0.0.1", port);
            using var store = KeyValueStore.Connect(
                place,
                Guid.NewGuid(),
                options.Job,
                options.Rendezvous,
                options.Silence
            );
            store.Add("beat/1", 1);
            store.Set("came/1", [1]);
            using var gloo = new GlooGroup(store, place, "127.0.0.1", options, CancellationToken.None);
            server.Wait();
        });
        silent.Start();
        using (var group = ProcessGroup.Join(new RankPlace(0, 2, 0, "127.0.0.1", port), CPU, options))
        {
            using var one = tensor(new[] { 1.0 });
            var clock = Stopwatch.StartNew();
            string lost = Assert.Throws<RankLostException>(() => group.AllReduce(one)).Message;
            Assert.Matches(@"^rank 1 is gone: nothing was heard of it for \d s$", lost);
            Assert.InRange(clock.Elapsed.TotalSeconds, 0, 10);
            Assert.Equal(lost, Assert.Throws<RankLostException>(group.Barrier).Message);
        }
        server.Set();
        silent.Join();
    }

    [Fact]
    public void ARankThatNeverComesIsNamed()
    {
        var options = new ProcessGroupOptions { Rendezvous = TimeSpan.FromSeconds(1) };
        int port = Ports.Free();
        Expect.Refused<RankLostException>(
            () => ProcessGroup.Join(new RankPlace(0, 3, 0, "localhost", port), CPU, options),
            $"rank 0 waited for 3 ranks at localhost:{port}, but they did not all meet (ranks 1, 2 did not "
                + "come within 1 s); start as many processes"
        );
        Expect.Refused<RankLostException>(
            () => ProcessGroup.Join(new RankPlace(1, 2, 0, "localhost", port), CPU, options),
            $"no rank 0 answered at localhost:{port} within 1 s"
        );
    }

    [Fact]
    public void APortThatIsTakenIsNamed()
    {
        var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        Expect.Refused<RankLostException>(
            () => ProcessGroup.Join(new RankPlace(0, 2, 0, "127.0.0.1", port), CPU),
            $"rank 0 cannot open port {port}, which is taken"
        );
        taken.Stop();
    }

    [Fact]
    public void OneInterfaceCanBeNamed()
    {
        Assert.SkipUnless(ProcessGroup.Backends.HasFlag(CollectiveBackends.Gloo), ProcessGroup.Absence);
        var refused = Assert.Throws<RankLostException>(() =>
        {
            Environment.SetEnvironmentVariable("GLOO_SOCKET_IFNAME", "none9");
            try
            {
                ProcessGroup.Join(new RankPlace(0, 1, 0, "127.0.0.1", Ports.Free()), CPU).Dispose();
            }
            finally
            {
                Environment.SetEnvironmentVariable("GLOO_SOCKET_IFNAME", null);
            }
        });
        Assert.Contains("by the interface none9, of GLOO_SOCKET_IFNAME", refused.Message);
    }

    [Fact]
    public void AGpuThatIsNotHereIsRefusedAtOnce()
    {
        Assert.SkipWhen(cuda.is_available(), "there is a GPU here");
        Expect.Refused<NotSupportedException>(
            () => ProcessGroup.Join(new RankPlace(0, 2, 0, "h", 1), new Device("cuda")),
            "2 processes are to train together on cuda, but libtorch sees no GPU here; train on the CPUs"
        );
    }

    [Fact]
    public void ARankThatFailsEndsTheOthersWait()
    {
        var seen = Together(
            2,
            group =>
            {
                if (group.Rank == 1)
                {
                    group.Fail("the disk is full.");
                    return "";
                }
                using var one = tensor(new[] { 1.0 });
                return Assert.Throws<RankLostException>(() => group.AllReduce(one)).Message;
            }
        );
        Assert.Equal("rank 1 has stopped: the disk is full", seen[0]);
    }

    /// <summary>By whatever name the ranks know this machine, they and then their connections find it.</summary>
    [Theory]
    [InlineData("localhost", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("address", "address")]
    [InlineData("name", "address")]
    public void RanksMeetAtAnyAddressOfTheMachine(params string[] hosts)
    {
        var own = NetworkInterface
            .GetAllNetworkInterfaces()
            .SelectMany(one => one.GetIPProperties().UnicastAddresses)
            .Select(one => one.Address)
            .FirstOrDefault(address =>
                address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address)
            );
        Assert.SkipWhen(own is null && hosts.Contains("address"), "this machine has no address but its loopback.");
        string[] called =
        [
            .. hosts.Select(host =>
                host switch
                {
                    "name" => Dns.GetHostName(),
                    "address" => own!.ToString(),
                    _ => host,
                }
            ),
        ];
        Together(
            2,
            group =>
            {
                using var rank = tensor(new[] { 1.0 + group.Rank });
                group.AllReduce(rank);
                Assert.Equal(3, rank.item<double>());
                return 0;
            },
            called
        );
    }

    private static T[] Together<T>(int ranks, Func<ProcessGroup, T> work, params string[] hosts) =>
        Together(ranks, work, null, hosts);

    private static T[] Together<T>(
        int ranks,
        Func<ProcessGroup, T> work,
        ProcessGroupOptions? options,
        params string[] hosts
    )
    {
        Assert.SkipUnless(ProcessGroup.Backends.HasFlag(CollectiveBackends.Gloo), ProcessGroup.Absence);
        int port = Ports.Free();
        var (results, failures) = (new T[ranks], new Exception?[ranks]);
        Thread[] threads =
        [
            .. Enumerable
                .Range(0, ranks)
                .Select(rank => new Thread(() =>
                {
                    try
                    {
                        using var group = ProcessGroup.Join(
                            new RankPlace(rank, ranks, rank, hosts.ElementAtOrDefault(rank) ?? "127.0.0.1", port),
                            CPU,
                            options
                        );
                        results[rank] = work(group);
                    }
                    catch (Exception e)
                    {
                        failures[rank] = e;
                    }
                })),
        ];
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.All(failures, failure => Assert.Null(failure));
        return results;
    }
}
