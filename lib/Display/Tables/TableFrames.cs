using System.Globalization;
using Microsoft.Data.Analysis;

namespace PatchKit.Display.Tables;

/// <summary>Tables as DataFrames of Microsoft.Data.Analysis, to be filtered, grouped and joined, and back.</summary>
/// <remarks>
/// <para><b>GroupBy counts a null as 0.</b> Microsoft.Data.Analysis 0.23 adds up the values that there are and divides
/// by the number of rows: the mean of 2, null and 4 is 2, in <c>GroupBy(...).Mean(...)</c> and in <c>Description()</c>
/// (<c>column.Mean()</c> leaves nulls out). Leave the nulls out first, by
/// <c>frame.Filter(frame["x"].ElementwiseIsNotNull())</c>, and go on with what remains.</para>
/// <para><b>LoadCsv reads numbers as float32</b>, about seven digits of them; <see cref="Csv.Read"/> reads all.</para>
/// <para>Extensions, so that only a program that asks for a DataFrame loads Microsoft.Data.Analysis.</para>
/// </remarks>
public static class TableFrames
{
    /// <summary>
    /// The table as a DataFrame: a column for each of its own, under its name without the unit. Whole numbers are Int32
    /// or Int64, others Double (Single, where all are), yes and no Boolean, dates DateTime, all else text; a null stays
    /// one. A name that was there before gets a number, "loss 2", and a column without one is "column 1".
    /// </summary>
    /// <seealso cref="TableFrames">What to mind when grouping.</seealso>
    public static DataFrame ToDataFrame(this Table table)
    {
        var names = new HashSet<string>();
        var columns = new DataFrameColumn[table.Columns.Count];
        for (int i = 0; i < columns.Length; i++)
        {
            string own = table.Columns[i].Name.Length > 0 ? table.Columns[i].Name : $"column {i + 1}",
                name = own;
            for (int again = 2; !names.Add(name); again++)
                name = $"{own} {again}";
            columns[i] = Column(name, [.. table.Rows.Select(row => row[i])], table.Columns[i].IsText);
        }
        return new DataFrame(columns);
    }

    /// <summary>
    /// The DataFrame as a table to look at, whole; <c>frame.Head(10).ToTable()</c> for the first ten rows.
    /// </summary>
    public static Table ToTable(this DataFrame frame, string title = "") =>
        new(
            title,
            [.. frame.Columns.Select(column => new Column(column.Name) { IsText = column is StringDataFrameColumn })],
            [
                .. Enumerable
                    .Range(0, checked((int)frame.Rows.Count))
                    .Select(row => frame.Columns.Select(column => (object?)column[row]).ToArray()),
            ]
        );

    /// <summary>A column of cells; of none that says what it is, words or numbers.</summary>
    internal static DataFrameColumn Column(string name, IReadOnlyList<object?> cells, bool isText)
    {
        var types = cells.OfType<object>().Select(cell => cell.GetType()).Distinct().ToArray();
        if (types.Length == 0)
            return isText ? Words() : new DoubleDataFrameColumn(name, cells.Select(_ => (double?)null));
        if (types is [var one])
        {
            if (one == typeof(bool))
                return new BooleanDataFrameColumn(name, cells.Select(cell => (bool?)cell));
            if (one == typeof(DateTime))
                return new DateTimeDataFrameColumn(name, cells.Select(cell => (DateTime?)cell));
            if (one == typeof(int))
                return new Int32DataFrameColumn(name, cells.Select(cell => (int?)cell));
            if (one == typeof(float))
                return new SingleDataFrameColumn(name, cells.Select(cell => (float?)cell));
            if (one == typeof(decimal))
                return new DecimalDataFrameColumn(name, cells.Select(cell => (decimal?)cell));
        }
        if (types.All(IsWhole))
            return new Int64DataFrameColumn(
                name,
                cells.Select(cell => cell is null ? (long?)null : Convert.ToInt64(cell, CultureInfo.InvariantCulture))
            );
        if (
            types.All(type => IsWhole(type) || type == typeof(float) || type == typeof(double) || type == typeof(Half))
            && cells.All(IsExact)
        )
            return new DoubleDataFrameColumn(
                name,
                cells.Select(cell =>
                    cell switch
                    {
                        null => (double?)null,
                        Half half => (double)half,
                        _ => Convert.ToDouble(cell, CultureInfo.InvariantCulture),
                    }
                )
            );
        return Words();

        StringDataFrameColumn Words() =>
            new(
                name,
                cells.Select(cell =>
                    cell switch
                    {
                        null => null,
                        string text => text,
                        IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
                        _ => cell.ToString(),
                    }
                )
            );

        static bool IsWhole(Type type) =>
            type == typeof(byte)
            || type == typeof(short)
            || type == typeof(int)
            || type == typeof(uint)
            || type == typeof(long);

        // Beyond 2^53 a double has not every whole number.
        static bool IsExact(object? cell) =>
            cell is not long whole || (long)(double)whole == whole && whole != long.MaxValue;
    }
}
