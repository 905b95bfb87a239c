using System.Text;

namespace CsNotebook.Notebook;

/// <summary>A terminal's carriage return: what follows overwrites the line.</summary>
internal static class CarriageReturns
{
    public static string Collapse(string text)
    {
        if (!text.Contains('\r'))
            return text;
        text = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        var collapsed = new StringBuilder();
        foreach (string line in text.Split('\n'))
        {
            // A return at the very end waits for what comes; until then the line stays in sight.
            string shown = line.TrimEnd('\r');
            string waiting = line[shown.Length..];
            collapsed.Append(Overwritten(shown)).Append(waiting.Length > 0 ? "\r" : "").Append('\n');
        }
        collapsed.Length--;
        return collapsed.ToString();
    }

    private static string Overwritten(string line)
    {
        string result = "";
        foreach (string part in line.Split('\r'))
            result = part.Length >= result.Length ? part : part + result[part.Length..];
        return result;
    }
}
