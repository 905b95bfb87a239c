using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;

namespace CsNotebook.Engine;

/// <summary>
/// Puts symbols into words: declarations, then the summary and the parameters of their documentation.
/// </summary>
internal static partial class SymbolDescription
{
    /// <summary>The description of a symbol, or of the overloads of a method.</summary>
    public static MimeBundle Of(IReadOnlyList<ISymbol> symbols, SymbolDisplayFormat format)
    {
        string declarations = string.Join('\n', symbols.Select(s => Declaration(s, format)));
        var docs = symbols.Select(Documentation).FirstOrDefault(d => d is not null);
        var text = new StringBuilder(declarations);
        var markdown = new StringBuilder($"```csharp\n{declarations}\n```");
        if (docs is { } found)
        {
            text.Append("\n\n").Append(found.Summary);
            markdown.Append("\n\n").Append(found.Summary);
            foreach (var (name, meaning) in found.Parameters)
            {
                text.Append($"\n  {name}: {meaning}");
                markdown.Append($"\n- `{name}`: {meaning}");
            }
        }
        return new MimeBundle { { "text/markdown", markdown.ToString() }, { "text/plain", text.ToString() } };
    }

    private static string Declaration(ISymbol symbol, SymbolDisplayFormat format) =>
        symbol.ToDisplayString(format).Replace("Script.", "", StringComparison.Ordinal);

    private static (string Summary, IReadOnlyList<(string, string)> Parameters)? Documentation(ISymbol symbol)
    {
        string? xml = symbol.GetDocumentationCommentXml();
        if (string.IsNullOrWhiteSpace(xml))
            return null;
        try
        {
            var root = XElement.Parse(xml);
            string summary = Words(root.Element("summary"));
            return summary.Length == 0
                ? null
                : (
                    summary,
                    [
                        .. root.Elements("param")
                            .Select(p => (p.Attribute("name")?.Value ?? "", Words(p)))
                            .Where(p => p.Item2.Length > 0),
                    ]
                );
        }
        catch (XmlException)
        {
            return null;
        }
    }

    private static string Words(XElement? element)
    {
        if (element is null)
            return "";
        var text = new StringBuilder();
        foreach (var node in element.DescendantNodes())
        {
            if (node is XText words)
                text.Append(words.Value);
            else if (
                node is XElement e
                && (e.Attribute("cref") ?? e.Attribute("name") ?? e.Attribute("langword")) is { } reference
                && e.IsEmpty
            )
                text.Append(Reference(reference.Value));
        }
        return Blanks().Replace(text.ToString(), " ").Trim();
    }

    private static string Reference(string cref)
    {
        string name = cref.Contains('(') ? cref[..cref.IndexOf('(', StringComparison.Ordinal)] : cref;
        if (name is [_, ':', .. var full])
            name =
                cref[0] == 'T'
                    ? full[(full.LastIndexOf('.') + 1)..]
                    : string.Join('.', full.Split('.')[^Math.Min(2, full.Split('.').Length)..]);
        return Arity().Replace(name, "");
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"`+\d+")]
    private static partial Regex Arity();
}
