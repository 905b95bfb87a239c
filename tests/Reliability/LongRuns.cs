using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Reliability;

/// <summary>Training for long: memory stays, the collector may run when it likes, and bits repeat.</summary>
public sealed class LongRuns
{
    private const int Steps = 4000, Rounds = 40;

    [Fact, Trait("speed", "slow")]
    public void WithScopesTensorsAndBytesAreEqualAtStep200AndAtTheEnd()
    {
        Settle();
        (long Tensors, MemoryUse Memory) early = default, late = default;
        int step = 0;
        var losses = new List<float>();
        foreach (float loss in SmallTraining.Losses(Steps, scoped: true))
        {
            losses.Add(loss);
            if (++step is 200 or Steps)
            {
                (early, late) = (late, (Tensor.TotalCount, Engine.Memory()));
                Engine.ResetPeakMemory();
            }
        }
        long rounding = 32 * early.Memory.Blocks; // malloc gives a block up to 32 bytes more where the rest would be too small to use
        Assert.Equal((early.Tensors, early.Memory.Blocks), (late.Tensors, late.Memory.Blocks));
        Assert.InRange(late.Memory.LiveBytes, early.Memory.LiveBytes - rounding, early.Memory.LiveBytes + rounding);
        Assert.InRange(late.Memory.PeakBytes, late.Memory.LiveBytes, early.Memory.PeakBytes + 100 * rounding);
        Learned(losses);
    }

    [Fact, Trait("speed", "slow")]
    public void WithoutScopesMemoryGrowsByLessThanTenPercent()
    {
        Settle();
        long tensors = Tensor.TotalCount;
        // A leak grows every time. What the process gives back meanwhile, or another test's leavings, is not one.
        double growth = double.MaxValue;
        for (int attempt = 0; attempt < 3 && growth > 1.1; attempt++)
        {
            var resident = new List<double>(Steps);
            var losses = new List<float>();
            foreach (float loss in SmallTraining.Losses(Steps, scoped: false))
            {
                losses.Add(loss);
                resident.Add(Resident());
            }
            growth = Median(resident.Skip(Steps - 500)) / Median(resident.Skip(500).Take(500));
            Learned(losses);
        }
        Assert.InRange(growth, 0, 1.1);
        Settle(); // how many tensors lie about before is the collector's affair
        Assert.InRange(Tensor.TotalCount, 0, tensors);
    }

    [Fact, Trait("speed", "slow")]
    public void TrainingIsRightWhileTheCollectorRunsAllTheTime()
    {
        var expected = SmallTraining.Losses(100, scoped: true).ToArray();
        bool stop = false;
        long collections = 0;
        var collector = new Thread(() =>
        {
            for (; !Volatile.Read(ref stop); collections++)
            {
                GC.Collect();
                Thread.Sleep(1); // back to back, collections can keep the training thread waiting for minutes
            }
        });
        collector.Start();
        try
        {
            for (int round = 0; round < Rounds; round++)
            {
                long before = Volatile.Read(ref collections);
                do Assert.Equal(expected, SmallTraining.Losses(100, scoped: round % 2 == 1));
                while (Volatile.Read(ref collections) == before);
            }
        }
        finally
        {
            Volatile.Write(ref stop, true);
            collector.Join();
        }
    }

    [Fact]
    public void TheSameSeedGivesTheSameLossesBitForBit()
    {
        var first = SmallTraining.Losses(300, scoped: true).ToArray();
        Assert.Equal(first, SmallTraining.Losses(300, scoped: true));
        Assert.Equal(first, SmallTraining.Losses(300, scoped: false));
        Assert.NotEqual(first, SmallTraining.Losses(300, scoped: true, seed: 1));
        Learned(first);
    }

    private static void Learned(IReadOnlyList<float> losses) => Assert.InRange(losses[^1], 0, 0.1 * losses[0]);

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(250);

    private static double Resident() => long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * (double)Environment.SystemPageSize;

    private static void Settle()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
