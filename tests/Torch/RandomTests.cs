using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>Seeds, generators and the streams they give.</summary>
public sealed class RandomTests
{
    // One of each kind of draw, so that a stream is compared through all of them.
    private static Tensor[] Draw(Generator? generator = null) =>
    [
        rand([5], generator: generator), randn([33], generator: generator), randint(10, [4], generator: generator), randint(-5, 5, [4], generator: generator),
        randperm(9, generator: generator), zeros([6]).uniform_(2, 3, generator), zeros([7]).normal_(1, 0.5, generator),
        zeros([20]).bernoulli_(0.3, generator), tensor([0.1, 0.7, 0.2]).multinomial(8, true, generator),
    ];

    private static void Same(Tensor[] expected, Tensor[] actual)
    {
        foreach (var (e, a) in expected.Zip(actual)) SameBits(e, a);
    }

    [Fact]
    public void TheSameSeedGivesTheSameStream()
    {
        using var returned = manual_seed(7);
        Assert.Equal(7, returned.initial_seed());
        var first = Draw();
        manual_seed(7);
        Same(first, Draw());
        manual_seed(8);
        Assert.NotEqual(first[0].data<float>().ToArray(), Draw()[0].data<float>().ToArray());
    }

    [Fact]
    public void AGeneratorOfItsOwnLeavesTheDefaultOneAlone()
    {
        var before = get_rng_state();
        using var a = new Generator(3);
        using var b = new Generator(0, CPU).manual_seed(3);
        Same(Draw(a), Draw(b));
        Assert.Equal((3, CPU), (a.initial_seed(), a.device));
        Assert.NotEqual(0, a.Handle);
        SameBits(before, get_rng_state());
    }

    [Fact]
    public void ASavedStateReplaysTheStreamBitForBit()
    {
        randn([3]); // leaves half a pair of normal numbers in the state
        var state = get_rng_state();
        var first = Draw();
        set_rng_state(state);
        Same(first, Draw());

        using var generator = new Generator(11);
        randn([5], generator: generator);
        var own = generator.get_state();
        first = Draw(generator);
        generator.set_state(own);
        Same(first, Draw(generator));
        using var other = new Generator();
        other.set_state(own);
        Same(first, Draw(other));
    }

    [Fact]
    public void TheDefaultGeneratorIsTheOneThatOperatorsUse()
    {
        using var generator = Generator.Default;
        generator.manual_seed(5);
        var expected = rand([3]);
        manual_seed(5);
        SameBits(expected, rand([3], generator: generator));
    }

    [Fact]
    public void DistributionsHaveTheirMoments()
    {
        using var generator = new Generator(1);
        Moments(rand([100_000], generator: generator), 0.5, Math.Sqrt(1.0 / 12));
        Moments(randn([100_000], generator: generator), 0, 1);
        Moments(zeros([100_000]).uniform_(-1, 3, generator), 1, 4 / Math.Sqrt(12));
        Moments(zeros([100_000]).normal_(5, 2, generator), 5, 2);
        Moments(zeros([100_000]).bernoulli_(0.2, generator), 0.2, 0.4);
        Moments(randint(2, 12, [100_000], float64, generator: generator), 6.5, Math.Sqrt(99.0 / 12));
        Moments(randn_like(zeros([100_000])), 0, 1);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (long)i), randperm(50, generator: generator).data<long>().Order());
        Assert.Equal(0, tensor([0.0, 1.0]).multinomial(100, true, generator).eq(0).sum().ToInt64());

        static void Moments(Tensor t, double mean, double deviation)
        {
            Assert.Equal(mean, t.mean().ToDouble(), 0.03 * (1 + deviation));
            Assert.Equal(deviation, t.std().ToDouble(), 0.03 * (1 + deviation));
        }
    }

    [Fact]
    public void WrongDrawsAreRefusedInASentence()
    {
        Refused<TorchException>(() => randint(5, 5, [1]), "aten::randint", "from", "to");
        Refused<TorchException>(() => zeros(1).uniform_(1, 0), "aten::uniform_", "from");
        Refused<TorchException>(() => zeros(1).normal_(0, -1), "aten::normal_", "std");
        Refused<TorchException>(() => zeros(1).bernoulli_(2), "aten::bernoulli_", "p");
        Refused<TorchException>(() => tensor([-1.0, 2]).multinomial(1), "aten::multinomial", "< 0");
        Refused<TorchException>(() => ones(2).multinomial(3), "aten::multinomial", "replacement");
        Refused<TorchException>(() => set_rng_state(zeros(3)), "Generator.set_state");
        Refused<TorchException>(() => set_rng_state(zeros([3], uint8)), "Generator.set_state");
        Refused<ArgumentNullException>(() => set_rng_state(null!), "value");
        var disposed = new Generator(1);
        disposed.Dispose();
        Refused<ObjectDisposedException>(() => rand([1], generator: disposed), "Generator");
        Refused<ObjectDisposedException>(() => disposed.get_state(), "Generator");
    }
}
