using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Recommendations;
using Microsoft.CodeAnalysis.Text;

namespace CsNotebook.Engine;

/// <summary>
/// Completion and inspection. What earlier cells declared is written out before the cell as one flat script, the newest
/// of each name only: a chain of submissions would be walked anew at every question and grow slower with every cell.
/// </summary>
internal sealed class CodeHelp(References references)
{
    private static readonly SymbolDisplayFormat Signature = SymbolDisplayFormat
        .MinimallyQualifiedFormat.WithMemberOptions(
            SymbolDisplayMemberOptions.IncludeParameters
                | SymbolDisplayMemberOptions.IncludeType
                | SymbolDisplayMemberOptions.IncludeContainingType
                | SymbolDisplayMemberOptions.IncludeModifiers
                | SymbolDisplayMemberOptions.IncludeConstantValue
        )
        .WithParameterOptions(
            SymbolDisplayParameterOptions.IncludeType
                | SymbolDisplayParameterOptions.IncludeName
                | SymbolDisplayParameterOptions.IncludeDefaultValue
                | SymbolDisplayParameterOptions.IncludeParamsRefOut
        )
        .WithKindOptions(
            SymbolDisplayKindOptions.IncludeTypeKeyword | SymbolDisplayKindOptions.IncludeNamespaceKeyword
        );

    private readonly object _gate = new();
    private readonly FlatScript _script = new();
    private readonly Lazy<AdhocWorkspace> _workspace = new();

    /// <summary>Takes note of what a submission declared.</summary>
    public void Add(Submission submission)
    {
        lock (_gate)
            _script.Add(submission);
    }

    public CompletionList Complete(string code, int cursor)
    {
        cursor = Math.Clamp(cursor, 0, code.Length);
        int line = code.LastIndexOf('\n', Math.Max(0, cursor - 1), cursor) + 1;
        string typed = code[line..cursor];
        if (typed.StartsWith('#') && !typed.Contains(' '))
        {
            var directives = CellParser.Directives.Where(d => d.StartsWith(typed, StringComparison.Ordinal));
            return new([.. directives.Select(d => new Completion(d, "magic", ""))], line, cursor);
        }

        int start = cursor;
        while (start > 0 && (char.IsLetterOrDigit(code[start - 1]) || code[start - 1] is '_' or '@'))
            start--;
        string prefix = code[start..cursor];
        var (document, offset) = Document(code);
        var symbols = Recommender
            .GetRecommendedSymbolsAtPositionAsync(document, offset + cursor)
            .GetAwaiter()
            .GetResult();
        var items = symbols
            .Where(s =>
                s.CanBeReferencedByName && s.Name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && !IsHidden(s)
            )
            .GroupBy(s => s.Name, StringComparer.Ordinal)
            .Select(g => new Completion(g.Key, Kind(g.First()), g.First().ToDisplayString(Signature)));
        if (start == 0 || code[start - 1] != '.')
            items = items.Concat(Keywords(prefix));
        return new(
            [.. items.DistinctBy(i => i.Text).OrderBy(i => i.Text, StringComparer.OrdinalIgnoreCase)],
            start,
            cursor
        );
    }

    public Inspection? Inspect(string code, int cursor)
    {
        cursor = Math.Clamp(cursor, 0, code.Length);
        var (document, offset) = Document(code);
        var model = document.GetSemanticModelAsync().GetAwaiter().GetResult()!;
        var root = model.SyntaxTree.GetRoot();
        var (symbols, span) = At(root, model, offset + cursor);
        if (symbols.Count == 0 || span.Start < offset)
            return null;
        return new(SymbolDescription.Of(symbols, Signature), span.Start - offset, span.End - offset);
    }

    public static Completeness IsComplete(string code)
    {
        if (CellParser.Parse(code).All(p => p is not CellPart.Code))
            return new(CompletenessStatus.Complete, "");
        var tree = CSharpSyntaxTree.ParseText(CellParser.CodeOnly(code), SubmissionChain.ParseOptions);
        if (!SyntaxFactory.IsCompleteSubmission(tree))
        {
            string last = code.TrimEnd('\r', '\n').Split('\n')[^1];
            string indent = last[..(last.Length - last.TrimStart().Length)];
            return new(
                CompletenessStatus.Incomplete,
                last.TrimEnd() is [.., '{' or '(' or '['] ? indent + "    " : indent
            );
        }
        bool wrong = tree.GetDiagnostics().Any(d => d.Severity == DiagnosticSeverity.Error);
        return new(wrong ? CompletenessStatus.Invalid : CompletenessStatus.Complete, "");
    }

    private (Document Document, int Offset) Document(string code)
    {
        code = CellParser.CodeOnly(code);
        lock (_gate)
        {
            string before = _script.Text(code, out string usings);
            // The cell's own usings must stand first in the file, so they are repeated there.
            string text = usings + before + "\n";
            var project = ProjectInfo.Create(
                ProjectId.CreateNewId(),
                VersionStamp.Create(),
                "cells",
                "cells",
                LanguageNames.CSharp,
                compilationOptions: SubmissionChain.CompilationOptions.WithScriptClassName("Script"),
                parseOptions: SubmissionChain.ParseOptions,
                metadataReferences: references.All
            );
            var id = DocumentId.CreateNewId(project.Id);
            var solution = _workspace
                .Value.CurrentSolution.AddProject(project)
                .AddDocument(
                    DocumentInfo.Create(
                        id,
                        "cell",
                        sourceCodeKind: SourceCodeKind.Script,
                        loader: TextLoader.From(
                            TextAndVersion.Create(SourceText.From(text + code, Encoding.UTF8), VersionStamp.Create())
                        )
                    )
                );
            return (solution.GetDocument(id)!, text.Length);
        }
    }

    private static (IReadOnlyList<ISymbol> Symbols, TextSpan Span) At(
        SyntaxNode root,
        SemanticModel model,
        int position
    )
    {
        var token = root.FindToken(Math.Min(position, Math.Max(0, root.FullSpan.End - 1)));
        if (!token.IsKind(SyntaxKind.IdentifierToken) && token.SpanStart >= position && position > 0)
            token = root.FindToken(position - 1);
        for (var node = token.Parent; node is not null && token.Span.IntersectsWith(position); node = node.Parent)
        {
            if (
                model.GetDeclaredSymbol(node) is { } declared
                && !token.IsKind(SyntaxKind.OpenParenToken)
                && node is not CompilationUnitSyntax
            )
                return ([declared], token.Span);
            if (node is SimpleNameSyntax or PredefinedTypeSyntax && Symbols(node, model) is { Count: > 0 } named)
                return (named, token.Span);
            if (node is StatementSyntax or BaseArgumentListSyntax)
                break;
        }
        // Nothing under the cursor, but perhaps it stands between the parentheses of a call.
        return token.Parent?.AncestorsAndSelf().OfType<ArgumentListSyntax>().FirstOrDefault()?.Parent switch
        {
            InvocationExpressionSyntax call => (Symbols(call.Expression, model), call.Expression.Span),
            BaseObjectCreationExpressionSyntax made when model.GetTypeInfo(made).Type is INamedTypeSymbol type => (
                [.. type.InstanceConstructors],
                made.Span
            ),
            _ => ([], default),
        };
    }

    private static IReadOnlyList<ISymbol> Symbols(SyntaxNode node, SemanticModel model)
    {
        if (model.GetMemberGroup(node) is { Length: > 0 } group)
            return group;
        var info = model.GetSymbolInfo(node);
        return info.Symbol is { } symbol ? [symbol] : info.CandidateSymbols;
    }

    private static bool IsHidden(ISymbol symbol) =>
        symbol
            .GetAttributes()
            .Any(a => a.AttributeClass?.Name == "EditorBrowsableAttribute" && a.ConstructorArguments is [{ Value: 1 }]);

    private static IEnumerable<Completion> Keywords(string prefix) =>
        prefix.Length == 0
            ? []
            : SyntaxFacts
                .GetKeywordKinds()
                .Select(SyntaxFacts.GetText)
                .Where(k => k.StartsWith(prefix, StringComparison.Ordinal) && k[0] != '_')
                .Select(k => new Completion(k, "keyword", ""));

    private static string Kind(ISymbol symbol) =>
        symbol switch
        {
            IMethodSymbol => "method",
            IPropertySymbol => "property",
            IEventSymbol => "event",
            INamespaceSymbol => "namespace",
            IFieldSymbol { IsConst: true } => "constant",
            IFieldSymbol => "field",
            ILocalSymbol or IParameterSymbol or IRangeVariableSymbol => "variable",
            ITypeSymbol type => type.TypeKind.ToString().ToLowerInvariant(),
            _ => "",
        };
}
