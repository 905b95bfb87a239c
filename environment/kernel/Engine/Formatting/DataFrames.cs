using System.Collections;
using System.Reflection;

namespace CsNotebook.Engine.Formatting;

/// <summary>
/// Tables of Microsoft.Data.Analysis, which the kernel does not reference: as HTML, as Markdown, as text.
/// </summary>
internal static class DataFrames
{
    private const string TypeName = "Microsoft.Data.Analysis.DataFrame";

    /// <summary>Whether a type is that of such tables.</summary>
    public static bool Knows(Type type) => type.FullName == TypeName;

    /// <summary>Adds what a DataFrame looks like: its first rows and columns.</summary>
    public static void Format(object value, IReadOnlyList<string> mimeTypes, MimeBundle bundle)
    {
        if (!Knows(value.GetType()))
            return;
        var columns = ((IEnumerable)Property(value, "Columns")!).Cast<object>().ToList();
        long count = (long)Property(Property(value, "Rows")!, "Count")!;
        int rows = (int)Math.Min(Shape.MaxItems, count);
        var shown = columns.Take(Shape.MaxItems).ToList();
        string[] heads = [.. shown.Select(c => (string)Property(c, "Name")!)];
        var cells = shown.Select(c => ((IEnumerable)c).Cast<object?>().Take(rows).ToList()).ToList();
        IReadOnlyList<object?[]> lines = [.. Enumerable.Range(0, rows).Select(r => cells.Select(c => c[r]).ToArray())];
        string rest = string.Join(
            ", ",
            new[] { Count(count - rows, "more row"), Count(columns.Count - shown.Count, "more column") }.Where(s =>
                s.Length > 0
            )
        );

        foreach (string mimeType in mimeTypes.Count > 0 ? mimeTypes : ["text/html", "text/markdown"])
        {
            if (mimeType == "text/html")
                bundle.Add(mimeType, HtmlFormat.Table(heads, lines, rest));
            else if (mimeType == "text/markdown")
                bundle.Add(mimeType, Markdown(heads, lines, [.. shown.Select(IsNumeric)], rest));
        }
        bundle.Add("text/plain", TextFormat.Table([heads, .. lines.Select(l => l.Select(Word).ToArray())], rest));
    }

    private static string Markdown(string[] heads, IReadOnlyList<object?[]> rows, bool[] numeric, string rest)
    {
        var lines = new List<string> { Row(heads.Select(Escaped)), Row(numeric.Select(n => n ? "---:" : "---")) };
        lines.AddRange(rows.Select(r => Row(r.Select(Word).Select(Escaped))));
        if (rest.Length > 0)
            lines.AddRange(["", rest]);
        return string.Join('\n', lines);

        static string Row(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";
        static string Escaped(string word) =>
            word.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
    }

    private static string Word(object? cell) => cell is string text ? TextFormat.Cut(text) : TextFormat.Short(cell);

    private static bool IsNumeric(object column) =>
        Type.GetTypeCode((Type)Property(column, "DataType")!) is >= TypeCode.SByte and <= TypeCode.Decimal;

    private static string Count(long n, string what) => n == 0 ? "" : $"{n} {what}{(n == 1 ? "" : "s")}";

    /// <summary>A property; of several of one name the most derived type's.</summary>
    private static object? Property(object owner, string name) =>
        owner
            .GetType()
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .First(p => p.Name == name && p.GetIndexParameters().Length == 0)
            .GetValue(owner);
}
