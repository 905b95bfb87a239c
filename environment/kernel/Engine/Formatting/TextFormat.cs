using System.Collections;
using System.Globalization;
using System.Text;

namespace CsNotebook.Engine.Formatting;

/// <summary>Values as plain text.</summary>
internal static class TextFormat
{
    private const int MaxDepth = 3;
    private const int MaxWidth = 100;

    /// <summary>A value as it is shown on its own: strings bare, sequences of values with columns as a table.</summary>
    public static string Long(object? value)
    {
        switch (value)
        {
            case null:
                return "<null>";
            case string text:
                return text;
            case Exception e:
                return $"{e.GetType().FullName}: {e.Message}{(e.StackTrace is { } trace ? "\n" + trace : "")}";
            case IDictionary or Array { Rank: > 1 }:
                return Inline(value, 0);
            case IEnumerable sequence when !Shape.WritesItself(value.GetType()) || value is Array:
                var (items, more) = Shape.First(sequence);
                return Table(items, more) ?? Inline(value, 0);
            default:
                return Inline(value, 0);
        }
    }

    /// <summary>A value in one line of at most a hundred characters.</summary>
    public static string Short(object? value) => Cut(Inline(value, 1));

    /// <summary>Text in one line of at most a hundred characters.</summary>
    public static string Cut(string text)
    {
        text = text.ReplaceLineEndings(" ");
        return text.Length <= MaxWidth ? text : text[..(MaxWidth - 3)] + "...";
    }

    private static string Inline(object? value, int depth)
    {
        if (value is null)
            return "<null>";
        if (value is string text)
            return depth == 0 ? text : $"\"{text}\"";
        if (value is Type type)
            return type.ToString();
        if (Shape.IsScalar(value) || Shape.WritesItself(value.GetType()))
            return value is IFormattable formattable
                ? formattable.ToString(null, CultureInfo.InvariantCulture)
                : value.ToString() ?? "";
        if (depth >= MaxDepth)
            return value.GetType().Name;
        switch (value)
        {
            case IDictionary pairs:
                var entries = pairs
                    .Keys.Cast<object>()
                    .Take(Shape.MaxItems)
                    .Select(k => $"{Inline(k, depth + 1)}: {Inline(pairs[k], depth + 1)}")
                    .ToList();
                if (pairs.Count > entries.Count)
                    entries.Add(Shape.MoreText(pairs.Count - entries.Count));
                return "{ " + string.Join(", ", entries) + " }";
            case IEnumerable sequence:
                var (items, more) = Shape.First(sequence);
                var words = items.Select(i => Inline(i, depth + 1)).ToList();
                if (more != 0)
                    words.Add(Shape.MoreText(more));
                return words.Count == 0 ? "[ ]" : "[ " + string.Join(", ", words) + " ]";
            default:
                var columns = Shape.Columns(value.GetType());
                string name = Shape.IsAnonymous(value.GetType()) ? "" : value.GetType().Name + " ";
                return columns.Count == 0
                    ? value.ToString() ?? ""
                    : name
                        + "{ "
                        + string.Join(", ", columns.Select(c => $"{c.Name} = {Inline(c.Get(value), depth + 1)}"))
                        + " }";
        }
    }

    private static string? Table(IReadOnlyList<object?> rows, int? more)
    {
        if (Tables.Columns(rows) is not { } columns)
            return null;
        var lines = new List<string[]> { columns.Select(c => c.Name).ToArray() };
        lines.AddRange(rows.Select(row => columns.Select(c => Short(c.Get(row!)).Trim('"')).ToArray()));
        return Table(lines, more == 0 ? "" : Shape.MoreText(more));
    }

    /// <summary>Rows of words in columns, the heads first, and a last line.</summary>
    public static string Table(IReadOnlyList<string[]> lines, string rest)
    {
        int[] widths = [.. Enumerable.Range(0, lines[0].Length).Select(i => lines.Max(l => l[i].Length))];
        var text = new StringBuilder();
        foreach (string[] line in lines)
            text.AppendLine(string.Join("  ", line.Select((word, i) => word.PadRight(widths[i]))).TrimEnd());
        return text.Append(rest).ToString().TrimEnd();
    }
}
