namespace CsNotebook.Engine;

/// <summary>What is known of the symbol at a place in a cell.</summary>
/// <param name="Data">its declaration, overloads included, and its documentation: text/markdown and text/plain.</param>
/// <param name="Start">where the symbol's name begins in the cell.</param>
/// <param name="End">where it ends.</param>
public sealed record Inspection(MimeBundle Data, int Start, int End);
