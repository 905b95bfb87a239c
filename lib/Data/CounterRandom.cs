using System.Numerics;

namespace PatchKit.Data;

/// <summary>
/// Random numbers by position: draw n of key k is a hash of both, so that a stream depends on nothing but its key,
/// whoever reads it and in whatever order. SplitMix64 (Steele, Lea and Flood 2014), each stream with a step of its own,
/// so that no two share draws.
/// </summary>
internal struct CounterRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private readonly ulong _start,
        _step;
    private ulong _next;

    /// <summary>The stream of a key; keys that differ in any bit give unrelated streams.</summary>
    internal CounterRandom(ulong key)
    {
        _start = Mix(key);
        ulong step = Mix(key + Golden) | 1;
        _step = BitOperations.PopCount(step ^ (step >> 1)) < 24 ? step ^ 0xAAAAAAAAAAAAAAAA : step;
    }

    /// <summary>The stream of image `index` in a set's split.</summary>
    internal CounterRandom(long seed, DataSplit split, long index)
        : this(Mix(Mix((ulong)seed * Golden + (ulong)split) + (ulong)index * Golden)) { }

    /// <summary>Draw n: 64 random bits.</summary>
    internal readonly ulong At(long n) => Mix(_start + (ulong)n * _step);

    /// <summary>The draw after the last one.</summary>
    internal ulong Next() => Mix(_start + _next++ * _step);

    /// <summary>A stream of its own, keyed by the next draw.</summary>
    internal CounterRandom Branch() => new(Next());

    /// <summary>Uniform from [0, 1), of 53 bits.</summary>
    internal double Uniform() => (Next() >> 11) * (1.0 / (1L << 53));

    /// <summary>Uniform between two numbers.</summary>
    internal float Uniform((double Low, double High) range) =>
        (float)(range.Low + (range.High - range.Low) * Uniform());

    /// <summary>A whole number from 0 to n - 1.</summary>
    internal int Below(int n) => (int)Math.BigMul(Next(), (ulong)n, out _);

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
