using System.Reflection;
using CsNotebook.Engine.Formatting;
using Microsoft.CodeAnalysis;

namespace CsNotebook.Engine;

/// <summary>The variables that cells declared at their top level.</summary>
internal static class SessionVariables
{
    private const BindingFlags AnyField =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    /// <summary>The variables in scope: of several of one name the newest.</summary>
    public static IReadOnlyList<Variable> Of(IEnumerable<Submission> submissions)
    {
        var variables = new SortedDictionary<string, Variable>(StringComparer.Ordinal);
        foreach (var submission in submissions)
        {
            if (submission.Instance is not { } instance)
                continue;
            foreach (var symbol in Fields(submission.Compilation))
            {
                if (instance.GetType().GetField(symbol.MetadataName, AnyField) is { } field)
                    variables[symbol.Name] = new(symbol.Name, TypeName(symbol.Type), field.GetValue(instance));
            }
        }
        return [.. variables.Values];
    }

    /// <summary>The value of a submission's variable, once it has run.</summary>
    public static object? Value(Submission submission, string name) =>
        Fields(submission.Compilation).FirstOrDefault(f => f.Name == name) is { } symbol
        && submission.Instance is { } instance
            ? instance.GetType().GetField(symbol.MetadataName, AnyField)?.GetValue(instance)
            : null;

    /// <summary>The top-level fields of a submission.</summary>
    public static IEnumerable<IFieldSymbol> Fields(Compilation submission) =>
        submission
            .ScriptClass?.GetMembers()
            .OfType<IFieldSymbol>()
            .Where(f => f is { IsImplicitlyDeclared: false, CanBeReferencedByName: true })
        ?? [];

    /// <summary>The listing that <c>#!whos</c> shows.</summary>
    public static MimeBundle Table(IReadOnlyList<Variable> variables) =>
        Formatters.Format(
            variables
                .Select(v => new
                {
                    v.Name,
                    v.Type,
                    Value = TextFormat.Short(v.Value),
                })
                .ToArray()
        );

    private static string TypeName(ITypeSymbol type) =>
        type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
}
