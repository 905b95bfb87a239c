using System.Diagnostics;

namespace PatchKit.Training.Loop;

/// <summary>How long was waited for the items of sequences.</summary>
internal sealed class WaitClock
{
    private readonly Stopwatch _watch = new();

    /// <summary>Seconds of waiting so far.</summary>
    internal double Seconds => _watch.Elapsed.TotalSeconds;

    /// <summary>The same items; the clock runs while one is waited for.</summary>
    internal IEnumerable<T> Timed<T>(IEnumerable<T> items)
    {
        using var each = items.GetEnumerator();
        while (Next())
            yield return each.Current;

        bool Next()
        {
            _watch.Start();
            try
            {
                return each.MoveNext();
            }
            finally
            {
                _watch.Stop();
            }
        }
    }
}
