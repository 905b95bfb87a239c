using System.Globalization;
using System.Text;
using PatchKit.Display.Formatting;

namespace PatchKit.Display.Tables;

/// <summary>
/// A table as HTML, as Markdown and as text. A cell is a number, a string, or null for what there is none of.
/// </summary>
/// <param name="Title">what it shows.</param>
/// <param name="Columns">its columns; the first usually names the row.</param>
/// <param name="Rows">cells, as many in each row as there are columns.</param>
[TypeFormatterSource(typeof(FormatterSource<Table>), PreferredMimeTypes = [Mime.Html, Mime.Markdown, Mime.Text])]
public sealed record Table(string Title, IReadOnlyList<Column> Columns, IReadOnlyList<IReadOnlyList<object?>> Rows)
    : IRendered
{
    private const string Line = "border-bottom:1px solid rgba(128,128,128,0.35)",
        Heavy = "border-bottom:1.5px solid rgba(128,128,128,0.9)";

    /// <summary>Cells, as many in each row as there are columns.</summary>
    public IReadOnlyList<IReadOnlyList<object?>> Rows { get; init; } = Checked(Rows, Columns.Count);

    /// <summary>A remark below it.</summary>
    public string Caption { get; init; } = "";

    /// <summary>A table of words: the first column starts at the left, the others end at the right.</summary>
    /// <exception cref="ArgumentException">A row has not as many cells as there are columns.</exception>
    public static Table Of(string title, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows) =>
        new(title, [.. columns.Select((name, i) => new Column(name) { IsText = i == 0 })], [.. rows]);

    /// <summary>The paper's numbers beside this run's, with the differences: ours less the paper's.</summary>
    /// <param name="title">what it shows.</param>
    /// <param name="key">what names a row, such as "patch size".</param>
    /// <param name="quantity">what was measured.</param>
    /// <param name="rows">a row's name with both numbers; null where there is none.</param>
    /// <param name="best">which number is the best of its column.</param>
    /// <param name="format">a .NET format for the numbers.</param>
    /// <param name="unit">their unit.</param>
    public static Table PaperAgainstOurs(
        string title,
        string key,
        string quantity,
        IEnumerable<(string Name, double? Paper, double? Ours)> rows,
        Best best = Best.None,
        string format = "0.000",
        string? unit = null
    ) =>
        new(
            title,
            [
                new Column(key) { IsText = true },
                new Column($"{quantity}, paper", unit) { Format = format, Best = best },
                new Column($"{quantity}, this run", unit) { Format = format, Best = best },
                new Column("difference", unit) { Format = format, Signed = true },
            ],
            [.. rows.Select(row => new object?[] { row.Name, row.Paper, row.Ours, row.Ours - row.Paper })]
        );

    /// <summary>The table in HTML.</summary>
    public string ToHtml()
    {
        // A caption element would wrap its words at the table's width.
        var html = new Markup().Raw("<div style='overflow-x:auto'>");
        if (Title.Length > 0)
            html.Add($"<div style='font-weight:600;padding:8px 10px 0'>{Title}</div>");
        html.Add(
            $"<table aria-label='{Title}' "
                + $"style='border-collapse:collapse;font-variant-numeric:tabular-nums;margin:4px 0 8px'><thead><tr>"
        );
        foreach (var column in Columns)
            html.Add($"<th scope='col' style='text-align:{Side(column)};padding:5px 10px;")
                .Raw(Heavy)
                .Add($"'>{column.ToString()}</th>");
        html.Raw("</tr></thead><tbody>");
        foreach (var row in Cells())
        {
            html.Raw("<tr>");
            for (int i = 0; i < row.Length; i++)
            {
                html.Add($"<td style='text-align:{Side(Columns[i])};padding:4px 10px;").Raw(Line).Raw("'>");
                if (row[i].Best)
                    html.Add($"<strong>{row[i].Text}</strong></td>");
                else
                    html.Add($"{row[i].Text}</td>");
            }
            html.Raw("</tr>");
        }
        html.Raw("</tbody></table></div>");
        if (Caption.Length > 0)
            html.Add($"<p style='font-size:85%;opacity:0.75;margin:4px 10px'>").Prose(Caption).Raw("</p>");
        return html.ToString();
    }

    /// <summary>The table in Markdown.</summary>
    public string ToMarkdown()
    {
        string[] lines =
        [
            .. Title.Length > 0 ? [$"**{Title}**", ""] : Array.Empty<string>(),
            Row(Columns.Select(column => Escape(column.ToString()))),
            Row(Columns.Select(column => column.IsText ? "---" : "---:")),
            .. Cells()
                .Select(row => Row(row.Select(cell => cell.Best ? $"**{Escape(cell.Text)}**" : Escape(cell.Text)))),
            .. Caption.Length > 0 ? ["", Caption] : Array.Empty<string>(),
        ];
        return string.Join('\n', lines);

        static string Row(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";
        static string Escape(string text) =>
            text.Replace("\\", "\\\\").Replace("|", "\\|").Replace("*", "\\*").Replace("\n", " ");
    }

    /// <summary>The table in aligned columns; a star marks the best.</summary>
    public override string ToString()
    {
        var rows = Cells();
        bool[] starred = [.. Columns.Select((_, i) => rows.Any(row => row[i].Best))];
        int[] widths =
        [
            .. Columns.Select(
                (column, i) =>
                    rows.Select(row => row[i].Text.Length + (starred[i] ? 1 : 0)).Append(column.ToString().Length).Max()
            ),
        ];
        var text = new StringBuilder();
        if (Title.Length > 0)
            text.Append(Title).Append('\n');
        Add(Columns.Select((column, i) => column.ToString()));
        Add(widths.Select(width => new string('─', width)));
        foreach (var row in rows)
            Add(
                row.Select(
                    (cell, i) =>
                        cell.Text
                        + (
                            cell.Best ? "*"
                            : starred[i] ? " "
                            : ""
                        )
                )
            );
        return text.Append(Caption).ToString().TrimEnd('\n');

        void Add(IEnumerable<string> cells) =>
            text.Append(
                    string.Join(
                            "  ",
                            cells.Select(
                                (cell, i) => Columns[i].IsText ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i])
                            )
                        )
                        .TrimEnd()
                )
                .Append('\n');
    }

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => ToHtml(),
            Mime.Markdown => ToMarkdown(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    private IReadOnlyList<(string Text, bool Best)[]> Cells()
    {
        var best = Columns.Select((column, i) => BestOf(column, Rows.Select(row => Number(row[i])))).ToArray();
        return [.. Rows.Select(row => row.Select((cell, i) => (Words(cell, Columns[i]), IsBest(cell, i))).ToArray())];

        bool IsBest(object? cell, int i) =>
            best[i] is { } text && Number(cell) is not null && Words(cell, Columns[i]) == text;
    }

    // The best number as it is written, so that equals are equal.
    private static string? BestOf(Column column, IEnumerable<double?> values)
    {
        double[] numbers = [.. values.OfType<double>().Where(double.IsFinite)];
        return column.Best == Best.None || numbers.Length < 2
            ? null
            : Words(column.Best == Best.Lowest ? numbers.Min() : numbers.Max(), column);
    }

    private static string Words(object? cell, Column column) =>
        cell switch
        {
            null => Numbers.None,
            string text => Numbers.Proper(text),
            bool yes => yes ? "yes" : "no",
            _ when Number(cell) is { } number => column.Format is not null
                ? Numbers.Format(number, column.Format, column.Signed)
            : number == Math.Floor(number) && Math.Abs(number) < 1e15 ? Numbers.Format(number, "#,0", column.Signed)
            : (column.Signed && number > 0 ? "+" : "") + Numbers.Short(number),
            IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
            _ => cell.ToString() ?? "",
        };

    private static double? Number(object? cell) =>
        cell switch
        {
            Half half => (double)half,
            double or float or decimal or int or long or short or byte or uint or ulong => Convert.ToDouble(
                cell,
                CultureInfo.InvariantCulture
            ),
            _ => null,
        };

    private static string Side(Column column) => column.IsText ? "left" : "right";

    private static IReadOnlyList<IReadOnlyList<object?>> Checked(
        IReadOnlyList<IReadOnlyList<object?>> rows,
        int columns
    ) =>
        rows.FirstOrDefault(row => row.Count != columns) is not { } odd
            ? rows
            : throw new ArgumentException(
                $"the table has {columns} columns, but a row has {odd.Count} cells; give as many."
            );
}
