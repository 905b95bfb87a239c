using System.Net;
using System.Text;
using CsNotebook.Engine;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace CsNotebook.Notebook;

/// <summary>C# with its keywords, literals and comments marked up.</summary>
internal static class CodeHighlight
{
    public static string ToHtml(string code)
    {
        var html = new StringBuilder();
        var root = CSharpSyntaxTree.ParseText(code, SubmissionChain.ParseOptions).GetRoot();
        foreach (var token in root.DescendantTokens())
        {
            Add(token.LeadingTrivia, html);
            Mark(Class(token), token.Text, html);
            Add(token.TrailingTrivia, html);
        }
        return html.ToString();
    }

    private static void Add(SyntaxTriviaList list, StringBuilder html)
    {
        foreach (var trivia in list)
        {
            var kind = trivia.Kind();
            string name =
                trivia.IsDirective ? "k"
                : kind
                    is SyntaxKind.SingleLineCommentTrivia
                        or SyntaxKind.MultiLineCommentTrivia
                        or SyntaxKind.SingleLineDocumentationCommentTrivia
                        or SyntaxKind.MultiLineDocumentationCommentTrivia
                    ? "c"
                : "";
            Mark(name, trivia.ToFullString(), html);
        }
    }

    private static string Class(SyntaxToken token)
    {
        if (
            token.IsKeyword()
            || SyntaxFacts.IsContextualKeyword(token.Kind())
            || token is { RawKind: (int)SyntaxKind.IdentifierToken, Text: "var" }
        )
            return "k";
        return token.Kind() switch
        {
            SyntaxKind.NumericLiteralToken => "n",
            SyntaxKind.StringLiteralToken
            or SyntaxKind.CharacterLiteralToken
            or SyntaxKind.InterpolatedStringTextToken
            or SyntaxKind.InterpolatedStringStartToken
            or SyntaxKind.InterpolatedStringEndToken
            or SyntaxKind.InterpolatedVerbatimStringStartToken
            or SyntaxKind.SingleLineRawStringLiteralToken
            or SyntaxKind.MultiLineRawStringLiteralToken
            or SyntaxKind.InterpolatedSingleLineRawStringStartToken
            or SyntaxKind.InterpolatedMultiLineRawStringStartToken
            or SyntaxKind.InterpolatedRawStringEndToken => "s",
            _ => "",
        };
    }

    private static void Mark(string name, string text, StringBuilder html)
    {
        string encoded = WebUtility.HtmlEncode(text);
        html.Append(name.Length == 0 || text.Length == 0 ? encoded : $"<span class=\"{name}\">{encoded}</span>");
    }
}
