namespace PatchKit.Data.Augment;

/// <summary>
/// The random numbers of one image in one epoch: they depend on (seed, epoch, index) alone, so that augmentation is the
/// same whatever the threads, the order or an interruption in between. The official code leaves Python's generator
/// unseeded.
/// </summary>
public struct SampleRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private CounterRandom _stream;

    /// <summary>The stream of a position in an epoch.</summary>
    /// <param name="seed">the run's seed.</param>
    /// <param name="epoch">the epoch.</param>
    /// <param name="index">the position in the epoch, so that a repeated image is augmented anew.</param>
    public SampleRandom(long seed, long epoch, long index)
        : this(new CounterRandom(Key(seed, epoch, index))) { }

    private SampleRandom(CounterRandom stream) => _stream = stream;

    /// <summary>Uniform from [0, 1).</summary>
    public double Uniform() => _stream.Uniform();

    /// <summary>Uniform from [low, high).</summary>
    public double Uniform(double low, double high) => low + (high - low) * _stream.Uniform();

    /// <summary>A whole number from 0 to n - 1.</summary>
    public int Below(int n) => _stream.Below(n);

    /// <summary>Whether an event of a probability happens.</summary>
    public bool Chance(double probability) => _stream.Uniform() < probability;

    /// <summary>Normally distributed.</summary>
    public double Normal(double mean = 0, double deviation = 1) => mean + deviation * Gaussian.Draw(ref _stream);

    /// <summary>Puts items into a random order.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int other = Below(i + 1);
            (items[i], items[other]) = (items[other], items[i]);
        }
    }

    private static ulong Key(long seed, long epoch, long index)
    {
        var first = new CounterRandom((ulong)seed * Golden + 0x5AFE);
        var second = new CounterRandom(first.At(epoch));
        return second.At(index);
    }
}
