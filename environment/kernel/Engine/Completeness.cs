namespace CsNotebook.Engine;

/// <summary>The answer to "is this all?", for a console front end.</summary>
/// <param name="Status">whether the code can be run.</param>
/// <param name="Indent">the white space that a next line would begin with; empty unless incomplete.</param>
public sealed record Completeness(CompletenessStatus Status, string Indent);
