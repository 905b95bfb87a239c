using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace CsNotebook.Engine;

/// <summary>All that earlier cells declared, as one script: of several declarations of a name the newest.</summary>
internal sealed class FlatScript
{
    private readonly Dictionary<string, (string Name, string Text)> _declarations = new(StringComparer.Ordinal);
    private readonly List<string> _usings = [];

    /// <summary>Adds a submission's declarations.</summary>
    public void Add(Submission submission)
    {
        _usings.AddRange(submission.Written.Usings.Select(u => u.NormalizeWhitespace().ToString()).Except(_usings));
        foreach (var field in SessionVariables.Fields(submission.Compilation))
            Put(field.Name, field.Name, Variable(field, submission.Written));
        foreach (var member in submission.Written.Members)
        {
            if (member is not (GlobalStatementSyntax or FieldDeclarationSyntax) && Name(member) is { } name)
                Put(
                    member is MethodDeclarationSyntax m ? name + m.ParameterList.NormalizeWhitespace() : name,
                    name,
                    member.ToFullString()
                );
        }
    }

    /// <summary>The script before a cell, without the names that the cell itself declares.</summary>
    public string Text(string cell, out string usingLines)
    {
        var root = CSharpSyntaxTree.ParseText(cell, SubmissionChain.ParseOptions).GetCompilationUnitRoot();
        var own = root.Members.SelectMany(Names).ToHashSet(StringComparer.Ordinal);
        usingLines = string.Concat(
            _usings.Union(root.Usings.Select(u => u.NormalizeWhitespace().ToString())).Select(u => u + "\n")
        );
        var text = new StringBuilder();
        foreach (var (name, declaration) in _declarations.Values)
        {
            if (!own.Contains(name))
                text.Append(declaration).Append('\n');
        }
        return text.ToString();
    }

    private void Put(string key, string name, string text)
    {
        // What was known by that name before is hidden, unless it is another overload.
        if (key == name)
        {
            foreach (string old in _declarations.Where(d => d.Value.Name == name).Select(d => d.Key).ToList())
                _declarations.Remove(old);
        }
        else
        {
            _declarations.Remove(name);
        }
        _declarations[key] = (name, text);
    }

    /// <summary>
    /// A variable with its type spelled out, so that nothing need be inferred; where that has no name, as written.
    /// </summary>
    private static string Variable(IFieldSymbol field, CompilationUnitSyntax written)
    {
        string name = Escaped(field.Name);
        string type = field.Type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat);
        if (!type.Contains("<anonymous", StringComparison.Ordinal))
            return $"{WithoutScriptClasses(type)} {name};";
        var initializer = written
            .Members.OfType<FieldDeclarationSyntax>()
            .SelectMany(f => f.Declaration.Variables)
            .FirstOrDefault(v => v.Identifier.ValueText == field.Name)
            ?.Initializer;
        return initializer is null ? $"dynamic {name};" : $"var {name} {initializer};";
    }

    /// <summary><c>global::Submission#3.Net</c> is <c>Net</c> here.</summary>
    private static string WithoutScriptClasses(string type)
    {
        for (int at; (at = type.IndexOf("Submission#", StringComparison.Ordinal)) >= 0; )
        {
            int dot = type.IndexOf('.', at);
            int start = type[..at].EndsWith("global::", StringComparison.Ordinal) ? at - "global::".Length : at;
            type = type.Remove(start, dot + 1 - start);
        }
        return type;
    }

    private static string Escaped(string name) =>
        SyntaxFacts.GetKeywordKind(name) == SyntaxKind.None ? name : "@" + name;

    private static IEnumerable<string> Names(MemberDeclarationSyntax member) =>
        member switch
        {
            FieldDeclarationSyntax field => field.Declaration.Variables.Select(v => v.Identifier.ValueText),
            GlobalStatementSyntax statement => statement
                .DescendantNodes(n =>
                    n is not (AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax or BlockSyntax)
                )
                .OfType<SingleVariableDesignationSyntax>()
                .Select(d => d.Identifier.ValueText),
            _ => Name(member) is { } name ? [name] : [],
        };

    private static string? Name(MemberDeclarationSyntax member) =>
        member switch
        {
            BaseTypeDeclarationSyntax type => type.Identifier.ValueText,
            DelegateDeclarationSyntax made => made.Identifier.ValueText,
            MethodDeclarationSyntax method => method.Identifier.ValueText,
            PropertyDeclarationSyntax property => property.Identifier.ValueText,
            EventDeclarationSyntax happening => happening.Identifier.ValueText,
            _ => null,
        };
}
