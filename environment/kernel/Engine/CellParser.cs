using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace CsNotebook.Engine;

/// <summary>Takes a cell apart into code, directives, and text to show.</summary>
internal static class CellParser
{
    /// <summary>The directives there are, as completion lists them.</summary>
    public static readonly IReadOnlyList<string> Directives =
    [
        "#!about",
        "#!csharp",
        "#!html",
        "#!import",
        "#!lsmagic",
        "#!markdown",
        "#!time",
        "#!who",
        "#!whos",
        "#i",
        "#load",
        "#r",
    ];

    /// <summary>The parts of a cell. <c>#r</c> and <c>#i</c> come before the code they stand in.</summary>
    public static IReadOnlyList<CellPart> Parse(string cell)
    {
        string[] lines = cell.ReplaceLineEndings("\n").Split('\n');
        var parts = new List<CellPart>();
        for (int start = 0; start < lines.Length; )
        {
            string? language = Language(lines[start]);
            int begin = language is null ? start : start + 1;
            int end = begin;
            while (end < lines.Length && Language(lines[end]) is null)
                end++;
            string text = string.Join('\n', lines[begin..end]);
            if (language is "markdown" or "html")
                parts.Add(new CellPart.Show($"text/{language}", text, begin + 1));
            else
                AddCode(text, begin, parts);
            start = end;
        }
        return parts;
    }

    /// <summary>The cell's C# with all else blanked out: every position stays where it was.</summary>
    public static string CodeOnly(string cell)
    {
        char[] code = cell.ToCharArray();
        bool isCode = true;
        int start = 0;
        while (start < code.Length)
        {
            int end = cell.IndexOf('\n', start) is var newline and >= 0 ? newline : code.Length;
            string line = cell[start..end];
            if (Language(line) is { } language)
                isCode = language == "csharp";
            if (!isCode || IsDirective(line.TrimStart()))
                code.AsSpan(start..end).Fill(' ');
            start = end + 1;
        }
        return UsingDeclarations.Plain(new string(code), out _);
    }

    private static string? Language(string line) =>
        line.Trim() switch
        {
            "#!csharp" or "#!c#" => "csharp",
            "#!markdown" => "markdown",
            "#!html" => "html",
            _ => null,
        };

    private static bool IsDirective(string trimmed) =>
        trimmed.StartsWith("#!", StringComparison.Ordinal)
        || trimmed.StartsWith("#load", StringComparison.Ordinal)
        || (
            trimmed.Length > 1
            && trimmed[0] == '#'
            && trimmed[1] is 'r' or 'i'
            && (trimmed.Length == 2 || trimmed[2] is ' ' or '\t' or '"')
        );

    private static void AddCode(string text, int firstLine, List<CellPart> parts)
    {
        string[] lines = text.Split('\n');
        var found = Find(text, lines);
        var code = new string[lines.Length];
        Array.Copy(lines, code, lines.Length);
        foreach (var (line, _) in found)
            code[line] = "";

        int from = 0;
        foreach (var (line, directive) in found)
        {
            if (directive.Name is "#r" or "#i" or "#!time")
                continue;
            Flush(line);
            parts.Add(directive);
        }
        Flush(lines.Length);

        void Flush(int to)
        {
            parts.AddRange(
                found
                    .Where(f => f.Line >= from && f.Line < to && f.Directive.Name is "#r" or "#i" or "#!time")
                    .Select(f => f.Directive)
            );
            string piece = string.Join('\n', code[from..to]);
            if (!string.IsNullOrWhiteSpace(piece))
                parts.Add(new CellPart.Code(new string('\n', firstLine + from) + piece, firstLine + from + 1));
            from = to;
        }

        List<(int Line, CellPart.Directive Directive)> Find(string source, string[] sourceLines)
        {
            // Only what the compiler takes for a directive is one: not a line of a comment or of a raw string.
            if (!sourceLines.Any(l => IsDirective(l.TrimStart())))
                return [];
            var tree = CSharpSyntaxTree.ParseText(source, SubmissionChain.ParseOptions);
            return
            [
                .. tree.GetRoot()
                    .DescendantTrivia(descendIntoTrivia: true)
                    .Where(t => t.IsDirective || t.IsKind(SyntaxKind.SkippedTokensTrivia))
                    .Select(t => tree.GetLineSpan(t.Span).StartLinePosition.Line)
                    .Distinct()
                    .Where(line => IsDirective(sourceLines[line].TrimStart()))
                    .Order()
                    .Select(line => (line, Directive(sourceLines[line].Trim(), firstLine + line + 1))),
            ];
        }
    }

    private static CellPart.Directive Directive(string line, int number)
    {
        int length = line.IndexOfAny([' ', '\t', '"']);
        return length < 0 || length >= line.Length
            ? new(line, "", number)
            : new(line[..length], line[length..].Trim(), number);
    }
}
