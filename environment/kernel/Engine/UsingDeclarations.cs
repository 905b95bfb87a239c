using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace CsNotebook.Engine;

/// <summary>
/// <c>using var x = ...;</c> at the top level of a cell. Roslyn's scripts take it for a using directive, so it is made
/// a plain declaration; the scope of such a name is the session, and <see cref="UsedVariables"/> sees to its end.
/// </summary>
internal static partial class UsingDeclarations
{
    private static readonly CSharpParseOptions Programs = SubmissionChain.ParseOptions.WithKind(SourceCodeKind.Regular);

    /// <summary>
    /// The code with <c>using</c> (and <c>await using</c>) blanked out where it declares: every position stays.
    /// </summary>
    /// <param name="code">the code.</param>
    /// <param name="names">the names so declared.</param>
    public static string Plain(string code, out IReadOnlyList<string> names)
    {
        names = [];
        if (!Likely().IsMatch(code))
            return code;
        // A program's top level knows what a script's does not.
        var declarations = CSharpSyntaxTree
            .ParseText(code, Programs)
            .GetCompilationUnitRoot()
            .Members.OfType<GlobalStatementSyntax>()
            .Select(g => g.Statement)
            .OfType<LocalDeclarationStatementSyntax>()
            .Where(d => d.UsingKeyword.IsKind(SyntaxKind.UsingKeyword))
            .ToList();
        char[] plain = code.ToCharArray();
        foreach (var declaration in declarations)
        {
            foreach (var keyword in new[] { declaration.AwaitKeyword, declaration.UsingKeyword })
                plain.AsSpan(keyword.SpanStart, keyword.Span.Length).Fill(' ');
        }
        names = [.. declarations.SelectMany(d => d.Declaration.Variables).Select(v => v.Identifier.ValueText)];
        return new string(plain);
    }

    /// <summary>Two words at least between <c>using</c> and <c>=</c>; an alias has one.</summary>
    [GeneratedRegex(@"\busing\s+(?!static\b|\()[^\s;=(][^;=(]*\s@?\w+\s*=")]
    private static partial Regex Likely();
}
