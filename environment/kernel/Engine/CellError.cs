namespace CsNotebook.Engine;

/// <summary>Why a cell failed.</summary>
/// <param name="Name">the exception's type name, <c>CompilationError</c>, or <c>DirectiveError</c>.</param>
/// <param name="Message">what went wrong, as a sentence.</param>
/// <param name="Traceback">lines to show as they are: the failing source line, then the calls that led to it.</param>
/// <param name="Line">the 1-based line of the cell that failed, where it is known.</param>
public sealed record CellError(string Name, string Message, IReadOnlyList<string> Traceback, int? Line);
