using System.Globalization;
using Microsoft.Data.Analysis;
using PatchKit.Display.Formatting;
using PatchKit.Display.Tables;

namespace PatchKit.Experiments.Reports;

/// <summary>
/// Reports as DataFrames: the numbers with the digits that the report shows. <see cref="RunTables"/> has those of the
/// runs, whole.
/// </summary>
public static class ReportFrames
{
    /// <summary>
    /// The table as a DataFrame. A column of numbers and gaps alone is Int64 or Double, a gap null; any other is text,
    /// as it stands there. A column without a heading is "column 1".
    /// </summary>
    /// <seealso cref="TableFrames">What to mind when grouping.</seealso>
    public static DataFrame ToDataFrame(this ReportTable table)
    {
        var cells = Enumerable
            .Range(0, table.Columns.Count)
            .Select(i => Cells([.. table.Rows.Select(row => row[i])]))
            .ToArray();
        return Table
            .Of("", table.Columns, table.Rows.Select((_, row) => cells.Select(column => column[row]).ToArray()))
            .ToDataFrame();
    }

    /// <summary>
    /// All tables of the report in one DataFrame, a row for each cell: "table", "row", "column", "text", and "value",
    /// null where the text is no number.
    /// </summary>
    /// <seealso cref="TableFrames">What to mind when grouping.</seealso>
    public static DataFrame ToDataFrame(this Report report)
    {
        Column Text(string name) => new(name) { IsText = true };
        return new Table(
            "",
            [Text("table"), Text("row"), Text("column"), Text("text"), new("value")],
            [
                .. from table in report.Tables
                from row in table.Rows
                from i in Enumerable.Range(1, table.Columns.Count - 1)
                select new object?[] { table.Title, row[0], table.Columns[i], row[i], Number(row[i]) },
            ]
        ).ToDataFrame();
    }

    private static IReadOnlyList<object?> Cells(IReadOnlyList<string> texts)
    {
        double?[] numbers = [.. texts.Select(Number)];
        bool anyNumber = numbers.Any(number => number is not null),
            onlyNumbers = texts.Zip(numbers).All(cell => cell.Second is not null || IsGap(cell.First));
        if (!anyNumber || !onlyNumbers)
            return texts;
        bool whole =
            texts.All(text => !text.AsSpan().ContainsAny(".e"))
            && numbers.All(number => number is null or > -9e15 and < 9e15);
        return
        [
            .. numbers.Select(number =>
                number is not { } value ? null
                : whole ? (object)(long)value
                : value
            ),
        ];
    }

    private static bool IsGap(string text) => text.Trim() is "" or "-" or Numbers.None;

    // "931,408", "−0.0854", "+0.0206", "8.6e+09".
    private static double? Number(string text) =>
        double.TryParse(
            text.Trim().Replace('−', '-'),
            NumberStyles.Float | NumberStyles.AllowThousands,
            CultureInfo.InvariantCulture,
            out double value
        ) && double.IsFinite(value)
            ? value
            : null;
}
