using PatchKit.Data.Augment;

namespace PatchKit.Data.Loading;

/// <summary>
/// The images of a set without end: each round through the set has an order of its own, drawn by (seed, round). Which
/// image comes at a position depends on nothing else.
/// </summary>
/// <param name="count">images in the set.</param>
/// <param name="seed">the run's seed.</param>
public sealed class EndlessOrder(int count, long seed)
{
    private int[] _order = [];
    private long _round = -1;

    /// <summary>The image at a position, both counted from 0; positions are quickest in order.</summary>
    public int this[long position]
    {
        get
        {
            var (round, place) = Math.DivRem(position, count);
            if (round == _round)
                return _order[place];
            var random = new SampleRandom(seed, _round = round, -1);
            random.Shuffle<int>(_order = [.. Enumerable.Range(0, count)]);
            return _order[place];
        }
    }
}
