using PatchKit.Data;
using Xunit;

namespace PatchKit.Tests.Data;

/// <summary>Random numbers by position, and normal ones made of them.</summary>
public sealed class CounterRandomTests
{
    [Fact]
    public void DrawsInOrderAreDrawsByPosition()
    {
        var random = new CounterRandom(7, DataSplit.Training, 3);
        for (int n = 0; n < 100; n++)
            Assert.Equal(random.At(n), random.Next());
    }

    [Fact]
    public void NearbyKeysShareNoDraws()
    {
        var seen = new HashSet<ulong>();
        foreach (long seed in new[] { -1L, 0, 1 })
        foreach (var split in Enum.GetValues<DataSplit>())
            for (long index = 0; index < 100; index++)
            {
                var random = new CounterRandom(seed, split, index);
                for (int n = 0; n < 100; n++)
                    Assert.True(seen.Add(random.Next()));
            }
    }

    [Fact]
    public void UniformDrawsAreUniform()
    {
        const int n = 400_000;
        var random = new CounterRandom(1);
        double mean = 0;
        var counts = new int[7];
        for (int i = 0; i < n; i++)
        {
            double x = random.Uniform();
            Assert.InRange(x, 0, 1 - 1e-16);
            mean += x / n;
            counts[random.Below(7)]++;
        }
        Assert.Equal(.5, mean, 4 * Math.Sqrt(1.0 / 12 / n));
        Assert.All(counts, count => Assert.Equal(n / 7.0, count, 4 * Math.Sqrt(n / 7.0)));
    }

    [Fact]
    public void NormalDrawsAreNormal()
    {
        const int n = 2_000_000;
        var random = new CounterRandom(2);
        var moments = new double[5];
        var (within1, beyondTail, positive) = (0.0, 0.0, 0.0);
        for (int i = 0; i < n; i++)
        {
            double x = Gaussian.Draw(ref random);
            for (int k = 1; k < 5; k++)
                moments[k] += Math.Pow(x, k) / n;
            if (Math.Abs(x) < 1)
                within1++;
            if (Math.Abs(x) > 3.6541528853610088)
                beyondTail++;
            if (x > 0)
                positive++;
        }
        double[] expected = [0, 0, 1, 0, 3],
            variance = [0, 1, 2, 15, 96]; // of x^k
        for (int k = 1; k < 5; k++)
            Assert.Equal(expected[k], moments[k], 4 * Math.Sqrt(variance[k] / n));
        Within(.6826894921, within1);
        Within(2.5804e-4, beyondTail);
        Within(.5, positive);

        static void Within(double probability, double count) =>
            Assert.Equal(n * probability, count, 4 * Math.Sqrt(n * probability));
    }
}
