using System.Globalization;
using CsNotebook.Engine;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace CsNotebook.Notebook;

/// <summary>
/// Sets a notebook's parameters by papermill's convention: behind the cell tagged <c>parameters</c> comes a cell tagged
/// <c>injected-parameters</c> that declares the same variables anew.
/// </summary>
public static class Parameters
{
    /// <summary>Gives parameters values.</summary>
    /// <param name="notebook">The notebook.</param>
    /// <param name="values">Name and value: text for a string parameter, otherwise a C# expression.</param>
    /// <returns>The lines of the injected cell.</returns>
    /// <exception cref="ArgumentException">There is no such parameter, or the value is no C#.</exception>
    public static IReadOnlyList<string> Set(NotebookFile notebook, IReadOnlyList<KeyValuePair<string, string>> values)
    {
        if (values.Count == 0)
            return [];
        var cell = notebook.Cells.FirstOrDefault(c => c.IsCode && c.Tags.Contains("parameters"))
            ?? throw new ArgumentException(
                $"The notebook has no code cell tagged \"parameters\", so {values[0].Key} cannot be set; tag the cell that declares it.");
        var declared = Declared(cell.Source);
        var lines = values.Select(v => Line(declared, v.Key, v.Value)).ToList();
        foreach (var old in notebook.Cells.Where(c => c.Tags.Contains("injected-parameters")).ToList())
            notebook.Remove(old);
        notebook.InsertCode(notebook.Cells.ToList().IndexOf(cell) + 1, "// Parameters\n" + string.Join('\n', lines), "injected-parameters");
        return lines;
    }

    private static string Line(IReadOnlyDictionary<string, string> declared, string name, string value)
    {
        if (!declared.TryGetValue(name, out string? type))
        {
            string? likely = declared.Keys.Where(k => Distance(k, name) <= 2).MinBy(k => Distance(k, name));
            string near = likely is null ? "" : $" Did you mean {likely}?";
            throw new ArgumentException($"The notebook has no parameter {name}; it has {string.Join(", ", declared.Keys)}.{near}");
        }
        string expression = type.TrimEnd('?') switch
        {
            "string" or "String" when value is not ['"', .., '"'] and not "null" => SymbolDisplay.FormatLiteral(value, quote: true),
            "bool" when bool.TryParse(value, out bool flag) => flag ? "true" : "false",
            // 0.5 is a double, which is neither.
            "float" or "decimal" when double.TryParse(value, CultureInfo.InvariantCulture, out _) => $"({type.TrimEnd('?')}){value}",
            _ => value,
        };
        var parsed = SyntaxFactory.ParseExpression(expression, options: SubmissionChain.ParseOptions, consumeFullText: true);
        if (parsed.ContainsDiagnostics)
            throw new ArgumentException($"{name} cannot be {value}: that is no C# expression ({parsed.GetDiagnostics().First().GetMessage()}).");
        return $"{type} {name} = {expression};";
    }

    /// <summary>The parameters' types, by name.</summary>
    private static Dictionary<string, string> Declared(string source)
    {
        var root = CSharpSyntaxTree.ParseText(CellParser.CodeOnly(source), SubmissionChain.ParseOptions).GetCompilationUnitRoot();
        var declared = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var declaration in root.Members.OfType<FieldDeclarationSyntax>().Select(f => f.Declaration))
        {
            string type = declaration.Type.ToString();
            foreach (var variable in declaration.Variables)
                declared[variable.Identifier.ValueText] = type == "var" ? Inferred(variable.Initializer?.Value) ?? type : type;
        }
        return declared;
    }

    /// <summary>The type that var stands for where a literal says so: another value must not change it, 1 not make a double an int.</summary>
    private static string? Inferred(ExpressionSyntax? initial) => initial switch
    {
        InterpolatedStringExpressionSyntax => "string",
        PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.UnaryMinusExpression } negative => Inferred(negative.Operand),
        LiteralExpressionSyntax literal => literal.Token.Value switch
        {
            string => "string",
            bool => "bool",
            int => "int",
            long => "long",
            float => "float",
            double => "double",
            decimal => "decimal",
            _ => null,
        },
        _ => null,
    };

    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0]++;
            for (int j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[^1];
    }
}
