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
    /// <param name="notebook">the notebook.</param>
    /// <param name="values">name and value: text for a string parameter, otherwise a C# expression.</param>
    /// <returns>The lines of the injected cell.</returns>
    /// <exception cref="ArgumentException">There is no such parameter, or the value is no C#.</exception>
    public static IReadOnlyList<string> Set(NotebookFile notebook, IReadOnlyList<KeyValuePair<string, string>> values)
    {
        if (values.Count == 0)
            return [];
        var cell =
            notebook.Cells.FirstOrDefault(c => c.IsCode && c.Tags.Contains("parameters"))
            ?? throw new ArgumentException(
                $"The notebook has no code cell tagged \"parameters\", so {values[0].Key} cannot be set; "
                    + "tag the cell that declares it."
            );
        if (values.GroupBy(v => v.Key).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException(
                $"{twice.Key} is set to {string.Join(" and to ", twice.Select(v => v.Value))}; set it once."
            );
        var declared = Declared(cell.Source);
        var lines = values.Select(v => Line(declared, v.Key, v.Value)).ToList();
        foreach (var old in notebook.Cells.Where(c => c.Tags.Contains("injected-parameters")).ToList())
            notebook.Remove(old);
        notebook.InsertCode(
            notebook.Cells.ToList().IndexOf(cell) + 1,
            "// Parameters\n" + string.Join('\n', lines),
            "injected-parameters"
        );
        return lines;
    }

    private static string Line(IReadOnlyDictionary<string, string> declared, string name, string value)
    {
        if (!declared.TryGetValue(name, out string? type))
        {
            string? likely = declared.Keys.Where(k => Distance(k, name) <= 2).MinBy(k => Distance(k, name));
            string near = likely is null ? "" : $" Did you mean {likely}?";
            string has = declared.Count == 0 ? "none" : string.Join(", ", declared.Keys);
            throw new ArgumentException($"The notebook has no parameter {name}; it has {has}.{near}");
        }
        string plain = type.TrimEnd('?');
        if (value.Length == 0 && plain is not ("string" or "String"))
            throw new ArgumentException($"--set {name}= gives {name} no value; write --set {name}=VALUE.");
        string expression = plain switch
        {
            "string" or "String" when value is not ['"', .., '"'] and not "null" => SymbolDisplay.FormatLiteral(
                value,
                quote: true
            ),
            "bool" when bool.TryParse(value, out bool flag) => flag ? "true" : "false",
            "double" or "float" when NotFinite(value) is { } field => $"{plain}.{field}",
            // 0.5 is a double, which is neither.
            "float"
            or "decimal"
                when double.TryParse(value, CultureInfo.InvariantCulture, out double number)
                    && double.IsFinite(number) => $"({plain}){value}",
            _ => value,
        };
        var parsed = SyntaxFactory.ParseExpression(
            expression,
            options: SubmissionChain.ParseOptions,
            consumeFullText: true
        );
        if (parsed.ContainsDiagnostics)
            throw new ArgumentException(
                $"{name} cannot be {value}: that is no C# expression ({parsed.GetDiagnostics().First().GetMessage()})."
            );
        if (!Fits(plain, type.EndsWith('?'), parsed, declared))
            throw new ArgumentException($"{name} cannot be {value}: its type is {type}, and that is no {plain}.");
        return $"{type} {name} = {expression};";
    }

    /// <summary>The field of double and float that a value's usual names stand for, or null.</summary>
    private static string? NotFinite(string value) =>
        value.ToLowerInvariant() switch
        {
            "nan" => nameof(double.NaN),
            "inf" or "+inf" or "infinity" or "+infinity" => nameof(double.PositiveInfinity),
            "-inf" or "-infinity" => nameof(double.NegativeInfinity),
            _ => null,
        };

    /// <summary>
    /// Whether a literal or a bare name can be a value of a simple type; anything else is left to the compiler.
    /// </summary>
    private static bool Fits(
        string type,
        bool nullable,
        ExpressionSyntax value,
        IReadOnlyDictionary<string, string> declared
    )
    {
        if (type is not ("int" or "long" or "float" or "double" or "decimal" or "bool"))
            return true;
        object? literal = value is PrefixUnaryExpressionSyntax { Operand: LiteralExpressionSyntax negated }
            ? negated.Token.Value
            : (value as LiteralExpressionSyntax)?.Token.Value;
        return value switch
        {
            IdentifierNameSyntax name => declared.ContainsKey(name.Identifier.ValueText),
            LiteralExpressionSyntax { RawKind: (int)SyntaxKind.NullLiteralExpression } => nullable,
            LiteralExpressionSyntax or PrefixUnaryExpressionSyntax { Operand: LiteralExpressionSyntax } => type switch
            {
                "int" => literal is int || value.ToString() is "-2147483648",
                "long" => literal is int or uint or long || value.ToString() is "-9223372036854775808",
                "double" => literal is int or uint or long or ulong or float or double,
                "bool" => literal is bool,
                _ => literal is int or uint or long or ulong
                    || literal?.GetType().Name == (type == "float" ? "Single" : "Decimal"),
            },
            _ => true,
        };
    }

    /// <summary>The parameters' types, by name.</summary>
    private static Dictionary<string, string> Declared(string source)
    {
        var root = CSharpSyntaxTree
            .ParseText(CellParser.CodeOnly(source), SubmissionChain.ParseOptions)
            .GetCompilationUnitRoot();
        var declared = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var declaration in root.Members.OfType<FieldDeclarationSyntax>().Select(f => f.Declaration))
        {
            string type = declaration.Type.ToString();
            foreach (var variable in declaration.Variables)
                declared[variable.Identifier.ValueText] =
                    type == "var" ? Inferred(variable.Initializer?.Value) ?? type : type;
        }
        return declared;
    }

    /// <summary>
    /// The type that var stands for where a literal says so: another value must not change it, 1 not make a double an
    /// int.
    /// </summary>
    private static string? Inferred(ExpressionSyntax? initial) =>
        initial switch
        {
            InterpolatedStringExpressionSyntax => "string",
            PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.UnaryMinusExpression } negative => Inferred(
                negative.Operand
            ),
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
                (diagonal, row[j]) = (
                    row[j],
                    Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1))
                );
        }
        return row[^1];
    }
}
