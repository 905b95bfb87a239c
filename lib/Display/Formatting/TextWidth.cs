namespace PatchKit.Display.Formatting;

/// <summary>
/// How wide text is in the widest of the common sans-serif faces (DejaVu Sans), near enough to lay a figure out without
/// a font.
/// </summary>
internal static class TextWidth
{
    /// <summary>How much wider bold text is.</summary>
    internal const double Bold = 1.13;

    /// <summary>The width in pixels.</summary>
    internal static double Of(string text, double size) => size * text.Sum(Em);

    /// <summary>The text in lines that fit; a word that is too long stands on a line of its own, cut short.</summary>
    internal static IReadOnlyList<string> Wrap(string text, double size, double width)
    {
        var lines = new List<string>();
        string line = "";
        foreach (string word in text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            string longer = line.Length == 0 ? word : line + " " + word;
            if (line.Length > 0 && Of(longer, size) > width)
            {
                lines.Add(line);
                longer = word;
            }
            line = Fit(longer, size, width);
        }
        if (line.Length > 0)
            lines.Add(line);
        return lines;
    }

    /// <summary>The text, or as much of it as fits, with an ellipsis.</summary>
    internal static string Fit(string text, double size, double width)
    {
        if (Of(text, size) <= width)
            return text;
        int length = text.Length;
        while (length > 1 && Of(text[..length], size) + size > width)
            length--;
        return text[..length].TrimEnd() + "…";
    }

    private static double Em(char c) =>
        c switch
        {
            'i' or 'j' or 'l' or '\'' => 0.28,
            ' ' or '.' or ',' or ':' or ';' or '|' or '/' or 'I' => 0.33,
            'f' or 't' or 'r' or '(' or ')' or '[' or ']' or '-' or '!' => 0.4,
            'm' or 'w' or 'M' or 'W' or '@' or '%' => 0.95,
            'c' or 's' or 'k' or 'v' or 'x' or 'y' or 'z' => 0.56,
            '⁰' or '¹' or '²' or '³' or '⁴' or '⁵' or '⁶' or '⁷' or '⁸' or '⁹' or '⁻' => 0.42,
            >= 'A' and <= 'Z' => 0.7,
            >= '⺀' => 1,
            _ => 0.635,
        };
}
