namespace CsNotebook.Engine;

/// <summary>The answer to "is this all?", for a console front end.</summary>
/// <param name="Status">Whether the code can be run.</param>
/// <param name="Indent">The white space that a next line would begin with; empty unless incomplete.</param>
public sealed record Completeness(CompletenessStatus Status, string Indent);
