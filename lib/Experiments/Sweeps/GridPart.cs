using System.Globalization;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Sweeps;

/// <summary>
/// One of n parts of a grid, so that n processes can train it. Runs that start from one run stay together, since two
/// processes cannot train that one; parts are dealt out in turn.
/// </summary>
/// <param name="Index">which, from 1.</param>
/// <param name="Of">n.</param>
public sealed record GridPart(int Index, int Of)
{
    /// <summary>A part from words such as "3/12".</summary>
    /// <exception cref="ArgumentException">They are none.</exception>
    public static GridPart Parse(string words)
    {
        var ends = words.Split('/');
        return
            ends.Length == 2
            && int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            && int.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out int of)
            && index >= 1
            && index <= of
            ? new(index, of)
            : throw new ArgumentException($"\"{words}\" is no part of a grid; write 3/12 for the third of twelve.");
    }

    /// <summary>How many parts a grid has at most.</summary>
    public static int Count(IReadOnlyList<RunConfig> grid) => Families(grid).Count;

    /// <summary>The runs of this part, in the grid's order.</summary>
    public IReadOnlyList<RunConfig> From(IReadOnlyList<RunConfig> grid) =>
        [.. Families(grid).Where((_, i) => i % Of == Index - 1).SelectMany(runs => runs)];

    /// <summary>"3/12".</summary>
    public override string ToString() => $"{Index}/{Of}";

    // Runs by the first run that they start from.
    private static List<List<RunConfig>> Families(IReadOnlyList<RunConfig> grid) =>
        [.. grid.GroupBy(config => First(config).Key).Select(runs => runs.ToList())];

    private static RunConfig First(RunConfig config) => config.StartsFrom is { } start ? First(start) : config;
}
