using System.Diagnostics;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch.Mends;

/// <summary>
/// The garbage collector runs when it likes: training is right, and nothing piles up. With the package's own
/// TorchSharp.dll the first ends the process within seconds.
/// </summary>
public sealed class CollectorTests
{
    private const int Steps = 4000;
    private static readonly TimeSpan s_each = TimeSpan.FromSeconds(60);

    [Theory, InlineData(true), InlineData(false), Trait("speed", "slow")]
    public void UnscopedTrainingIsRightWhileMemoryIsAllocatedOrCollected(bool allocated)
    {
        int threads = get_num_threads();
        set_num_threads(1);
        float[] quiet = UnscopedTraining.Losses(100);
        Assert.InRange(quiet[^1], 0, 0.95 * quiet[0]);
        bool stop = false;
        var neighbour = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                if (allocated)
                    AllocateForAMillisecond();
                else
                    GC.Collect();
                Thread.Sleep(1);
            }
        });
        neighbour.Start();
        try
        {
            int before = GC.CollectionCount(0);
            var clock = Stopwatch.StartNew();
            for (int round = 0; clock.Elapsed < s_each; round++)
                Assert.Equal(quiet, UnscopedTraining.Losses(100));
            Assert.InRange(GC.CollectionCount(0) - before, s_each.TotalSeconds / 4, double.MaxValue);
        }
        finally
        {
            Volatile.Write(ref stop, true);
            neighbour.Join();
            set_num_threads(threads);
        }
    }

    [Fact, Trait("speed", "slow")]
    public void WithScopesTensorsAndMemoryAreLevelFromStep200On()
    {
        (long Tensors, long Bytes, long Blocks, long Resident) early = default,
            late = default;
        UnscopedTraining.Scoped(
            Steps,
            step =>
            {
                if (step is not (200 or Steps))
                    return;
                Garbage.Collect();
                (early, late) = (
                    late,
                    (Tensor.TotalCount, Guard.pkg_memory_live(), Guard.pkg_memory_blocks(), Resident())
                );
            }
        );
        Assert.Equal((early.Tensors, early.Blocks), (late.Tensors, late.Blocks));
        // malloc gives a block up to 32 bytes more where the rest is too small
        Assert.InRange(late.Bytes, early.Bytes - 32 * early.Blocks, early.Bytes + 32 * early.Blocks);
        Assert.InRange(late.Resident, 0, 1.1 * early.Resident); // what is compiled anew on the way takes 5 %
    }

    // 500 MB/s, as a loader of images may: 0.5 MB in small arrays, of which a few live on.
    private static void AllocateForAMillisecond()
    {
        var held = new byte[64][];
        for (int i = 0; i < 1000; i++)
            held[i % held.Length] = new byte[1000];
        GC.KeepAlive(held);
    }

    // Without what the collector can give back.
    private static long Resident()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * Environment.SystemPageSize;
    }
}
