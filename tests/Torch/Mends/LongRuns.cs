using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch.Mends;

/// <summary>Training for long: memory stays, and bits repeat.</summary>
public sealed class LongRuns
{
    private const int Steps = 4000;

    [Fact, Trait("speed", "slow")]
    public void WithoutScopesMemoryGrowsByLessThanTenPercent()
    {
        Garbage.Collect();
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
        Garbage.Collect(); // how many tensors lie about before is the collector's affair
        Assert.InRange(Tensor.TotalCount, 0, tensors);
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

    private static double Resident() =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * (double)Environment.SystemPageSize;
}
