namespace PatchKit.Training;

/// <summary>The name that was probably meant.</summary>
internal static class NearestName
{
    /// <summary>
    /// A name that contains what was given, or else the one of least edit distance; without regard to case and hyphens,
    /// the first of equals.
    /// </summary>
    internal static string Of(string given, IEnumerable<string> names) =>
        names.MinBy(name => (Plain(name).Contains(Plain(given)) ? 0 : 1, Distance(Plain(given), Plain(name))))!;

    // Levenshtein's distance by rows: insertions, deletions and replacements cost 1.
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (
                    row[j],
                    Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1))
                );
        }
        return row[^1];
    }

    private static string Plain(string name) => name.Trim().Replace("-", "").Replace("_", "").ToLowerInvariant();
}
