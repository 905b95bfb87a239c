using System.Reflection;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace CsNotebook.Engine;

/// <summary>A compiled piece of a cell.</summary>
/// <param name="Cell">the cell's name.</param>
/// <param name="Written">the code as its author wrote it.</param>
/// <param name="Compilation">the code as it runs, with stop checks.</param>
/// <param name="Assembly">null where there is nothing to run, only usings.</param>
/// <param name="HasValue">whether it ends in an expression without a semicolon.</param>
internal sealed record Submission(
    string Cell,
    CompilationUnitSyntax Written,
    CSharpCompilation Compilation,
    Assembly? Assembly,
    bool HasValue
)
{
    /// <summary>The object that holds the piece's top-level variables, once it has run.</summary>
    public object? Instance { get; set; }

    /// <summary>The top-level variables that it declares by <c>using</c>.</summary>
    public IReadOnlyList<string> Used { get; init; } = [];
}
