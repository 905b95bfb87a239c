using System.Collections;

namespace CsNotebook.Engine.Formatting;

/// <summary>Which sequences are tables.</summary>
internal static class Tables
{
    /// <summary>The columns of rows that all have one type with properties; null where the rows are no table.</summary>
    public static IReadOnlyList<(string Name, Func<object, object?> Get)>? Columns(IReadOnlyList<object?> rows)
    {
        if (rows.Count == 0 || rows.Any(r => r is null || Shape.IsScalar(r) || r is IEnumerable))
            return null;
        var type = rows[0]!.GetType();
        if (rows.Any(r => r!.GetType() != type) || Formatters.HasOwn(type))
            return null;
        var columns = Shape.Columns(type);
        return columns.Count > 0 ? columns : null;
    }
}
