namespace PatchKit.Experiments.Reports;

/// <summary>
/// The rows of a table whose columns are things of one kind, such as patch sizes: each row asks a cell of every column.
/// </summary>
/// <param name="columns">the things.</param>
internal sealed class RowsOver<T>(IReadOnlyList<T> columns)
{
    private readonly List<IReadOnlyList<string>> _rows = [];

    /// <summary>Adds a row.</summary>
    internal RowsOver<T> Row(string name, Func<T, string> cell)
    {
        _rows.Add([name, .. columns.Select(cell)]);
        return this;
    }

    /// <summary>Adds a row where there is something to show in it.</summary>
    internal RowsOver<T> RowIf(bool isShown, string name, Func<T, string> cell) => isShown ? Row(name, cell) : this;

    /// <summary>Drops rows all of whose cells are one word, such as "none".</summary>
    internal RowsOver<T> WithoutRowsOf(string cell)
    {
        _rows.RemoveAll(row => row.Skip(1).All(own => own == cell));
        return this;
    }

    /// <summary>The table.</summary>
    /// <param name="title">what it shows.</param>
    /// <param name="heading">a column's.</param>
    /// <param name="corner">the heading of the rows' names.</param>
    internal ReportTable Under(string title, Func<T, string> heading, string corner = "") =>
        new(title, [corner, .. columns.Select(heading)], _rows);
}
