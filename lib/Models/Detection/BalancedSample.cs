using PatchKit.Data.Augment;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>
/// A few boxes of many to learn from, objects and background. The draw depends on the stream given to it alone, so that
/// training repeats to the bit, on any device and after any interruption.
/// </summary>
public static class BalancedSample
{
    /// <summary>Draws without repetition.</summary>
    /// <param name="labels">(M), int64: 1 for an object, 0 for background, anything else is passed over.</param>
    /// <param name="count">how many in all; fewer where there are not as many.</param>
    /// <param name="positiveShare">the greatest share of objects.</param>
    /// <param name="random">the stream.</param>
    /// <returns>The places drawn, in order: objects, background.</returns>
    public static (long[] Positive, long[] Negative) Draw(
        Tensor labels,
        int count,
        double positiveShare,
        ref SampleRandom random
    )
    {
        using var here = labels.cpu();
        List<long> positive = [],
            negative = [];
        long at = 0;
        foreach (long label in here.data<long>())
        {
            if (label == 1)
                positive.Add(at);
            else if (label == 0)
                negative.Add(at);
            at++;
        }
        long[] shown = Some(positive, (int)(count * positiveShare), ref random);
        return (shown, Some(negative, count - shown.Length, ref random));
    }

    // The first steps of a Fisher-Yates shuffle.
    private static long[] Some(List<long> places, int most, ref SampleRandom random)
    {
        int count = Math.Min(most, places.Count);
        for (int i = 0; i < count && count < places.Count; i++)
        {
            int other = i + random.Below(places.Count - i);
            (places[i], places[other]) = (places[other], places[i]);
        }
        long[] drawn = [.. places.Take(count)];
        Array.Sort(drawn);
        return drawn;
    }
}
