using System.Collections;
using System.Net;
using System.Text;

namespace CsNotebook.Engine.Formatting;

/// <summary>Values as HTML tables; numbers and strings have none, their text is enough.</summary>
internal static class HtmlFormat
{
    private const int MaxDepth = 2;

    /// <summary>The HTML of a value, or null where text serves as well.</summary>
    public static string? Render(object? value)
    {
        if (Shape.IsScalar(value))
            return null;
        var html = new StringBuilder();
        switch (value)
        {
            case Exception:
                html.Append("<pre>").Append(Encode(TextFormat.Long(value))).Append("</pre>");
                break;
            case Array { Rank: 2 } matrix:
                Matrix(matrix, html);
                break;
            case IDictionary or IEnumerable:
                Sequence((IEnumerable)value, html, 0);
                break;
            default:
                if (Shape.Columns(value!.GetType()) is not { Count: > 0 })
                    return null;
                Properties(value, html, 0);
                break;
        }
        return html.ToString();
    }

    /// <summary>A table of values under heads, and a last line.</summary>
    public static string Table(IReadOnlyList<string> heads, IEnumerable<IEnumerable<object?>> rows, string rest)
    {
        var html = new StringBuilder();
        Open(html, heads);
        foreach (var row in rows)
            Row(html, 0, row);
        Close(html, rest, heads.Count);
        return html.ToString();
    }

    private static void Cell(object? value, StringBuilder html, int depth)
    {
        if (value is not null && depth <= MaxDepth && Embedded(value) is { } own)
            html.Append(own);
        else if (Shape.IsScalar(value) || depth >= MaxDepth || value is Exception)
            html.Append(Encode(value as string ?? TextFormat.Short(value)));
        else if (value is IEnumerable sequence)
            Nested(value, html, h => Sequence(sequence, h, depth + 1));
        else if (Shape.Columns(value!.GetType()).Count > 0)
            Nested(value, html, h => Properties(value, h, depth + 1));
        else
            html.Append(Encode(TextFormat.Short(value)));
    }

    /// <summary>The HTML that a value brings along.</summary>
    private static string? Embedded(object value)
    {
        var bundle = new MimeBundle();
        Formatters.AddOwn(value, ["text/html"], bundle);
        return bundle["text/html"];
    }

    private static void Nested(object value, StringBuilder html, Action<StringBuilder> body)
    {
        html.Append("<details><summary>").Append(Encode(TextFormat.Short(value))).Append("</summary>");
        body(html);
        html.Append("</details>");
    }

    private static void Sequence(IEnumerable sequence, StringBuilder html, int depth)
    {
        if (sequence is IDictionary pairs)
        {
            Open(html, "key", "value");
            foreach (object key in pairs.Keys.Cast<object>().Take(Shape.MaxItems))
                Row(html, depth, key, pairs[key]);
            Close(html, pairs.Count > Shape.MaxItems ? pairs.Count - Shape.MaxItems : 0, 2);
            return;
        }
        var (rows, more) = Shape.First(sequence);
        if (Tables.Columns(rows) is { } columns)
        {
            Open(html, [.. columns.Select(c => c.Name)]);
            foreach (object? row in rows)
                Row(html, depth, [.. columns.Select(c => c.Get(row!))]);
            Close(html, more, columns.Count);
        }
        else
        {
            Open(html, "index", "value");
            for (int i = 0; i < rows.Count; i++)
                Row(html, depth, i, rows[i]);
            Close(html, more, 2);
        }
    }

    private static void Properties(object value, StringBuilder html, int depth)
    {
        html.Append("<table><tbody>");
        foreach (var (name, get) in Shape.Columns(value.GetType()))
        {
            html.Append("<tr><th style=\"text-align: left\">")
                .Append(Encode(name))
                .Append("</th><td style=\"text-align: left\">");
            Cell(get(value), html, depth + 1);
            html.Append("</td></tr>");
        }
        html.Append("</tbody></table>");
    }

    private static void Matrix(Array matrix, StringBuilder html)
    {
        int height = Math.Min(matrix.GetLength(0), Shape.MaxItems),
            width = Math.Min(matrix.GetLength(1), Shape.MaxItems);
        html.Append("<table><tbody>");
        for (int y = 0; y < height; y++)
        {
            html.Append("<tr>");
            for (int x = 0; x < width; x++)
                html.Append("<td>").Append(Encode(TextFormat.Short(matrix.GetValue(y, x)))).Append("</td>");
            html.Append("</tr>");
        }
        Close(html, matrix.GetLength(0) - height, width);
    }

    private static void Open(StringBuilder html, params IEnumerable<string> heads)
    {
        html.Append("<table><thead><tr>");
        foreach (string head in heads)
            html.Append("<th>").Append(Encode(head)).Append("</th>");
        html.Append("</tr></thead><tbody>");
    }

    private static void Row(StringBuilder html, int depth, params IEnumerable<object?> cells)
    {
        html.Append("<tr>");
        foreach (object? cell in cells)
        {
            html.Append("<td>");
            Cell(cell, html, depth + 1);
            html.Append("</td>");
        }
        html.Append("</tr>");
    }

    private static void Close(StringBuilder html, int? more, int width) =>
        Close(html, more == 0 ? "" : Shape.MoreText(more), width);

    private static void Close(StringBuilder html, string rest, int width)
    {
        if (rest.Length > 0)
            html.Append($"<tr><td colspan=\"{width}\">{rest}</td></tr>");
        html.Append("</tbody></table>");
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
