namespace CsNotebook.Jupyter;

/// <summary>Jupyter counts code points where C# counts UTF-16 units.</summary>
internal static class CodePoints
{
    /// <summary>The position in UTF-16 units after so many code points of <paramref name="text"/>.</summary>
    public static int ToUtf16(string text, int codePoints)
    {
        int at = 0;
        for (; codePoints > 0 && at < text.Length; codePoints--)
            at += at + 1 < text.Length && char.IsSurrogatePair(text, at) ? 2 : 1;
        return at;
    }

    /// <summary>The code points before a position in UTF-16 units.</summary>
    public static int FromUtf16(string text, int position)
    {
        int count = 0;
        for (int at = 0; at < position; count++)
            at += at + 1 < text.Length && char.IsSurrogatePair(text, at) ? 2 : 1;
        return count;
    }
}
