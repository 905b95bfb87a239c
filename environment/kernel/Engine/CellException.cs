namespace CsNotebook.Engine;

/// <summary>A cell that cannot be run as it is written: its message is the sentence to show.</summary>
/// <param name="name">what kind of failure it is, as <see cref="CellError.Name"/>.</param>
/// <param name="message">what is wrong, and the way out.</param>
/// <param name="line">the cell's line, where it is known.</param>
/// <param name="details">further lines for the traceback.</param>
internal sealed class CellException(
    string name,
    string message,
    int? line = null,
    IReadOnlyList<string>? details = null
) : Exception(message)
{
    public string Name => name;

    public int? Line => line;

    public IReadOnlyList<string> Details => details ?? [];

    /// <summary>A directive that cannot be followed.</summary>
    public static CellException Directive(string message, int? line = null) => new("DirectiveError", message, line);
}
