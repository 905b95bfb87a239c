namespace PatchKit.Checkpoints;

/// <summary>Text from a file made fit for a sentence or a terminal: no control characters, not too long.</summary>
internal static class Words
{
    private const int Longest = 120;

    internal static string Safe(string text)
    {
        string shown = text.Length > Longest ? string.Concat(text.AsSpan(0, Longest), "...") : text;
        return
            shown.AsSpan().IndexOfAnyInRange('\0', '\x1f') < 0 && shown.AsSpan().IndexOfAnyInRange('\x7f', '\x9f') < 0
            ? shown
            : string.Concat(shown.Select(c => char.IsControl(c) ? $"\\x{(int)c:x2}" : c.ToString()));
    }

    internal static string Shape(IEnumerable<long> sizes) => $"[{string.Join(", ", sizes)}]";
}
