namespace CsNotebook.Engine;

/// <summary>What is known of the symbol at a place in a cell.</summary>
/// <param name="Data">Its declaration, overloads included, and its documentation: text/markdown and text/plain.</param>
/// <param name="Start">Where the symbol's name begins in the cell.</param>
/// <param name="End">Where it ends.</param>
public sealed record Inspection(MimeBundle Data, int Start, int End);
