namespace CsNotebook.Engine;

/// <summary>The completions at a place in a cell, in alphabetical order.</summary>
/// <param name="Items">the completions that begin with what is typed (in any case).</param>
/// <param name="Start">where the text to replace begins, in UTF-16 units of the cell.</param>
/// <param name="End">where it ends: the cursor.</param>
public sealed record CompletionList(IReadOnlyList<Completion> Items, int Start, int End);
