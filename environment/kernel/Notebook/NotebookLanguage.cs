using System.Text.Json.Nodes;
using CsNotebook.Engine;

namespace CsNotebook.Notebook;

/// <summary>Which language a notebook is written in, and what it says of C#.</summary>
internal static class NotebookLanguage
{
    /// <summary>
    /// A notebook's <c>language_info</c>: what the kernel answers a front end, so that opening a file changes nothing.
    /// </summary>
    public static JsonObject Info =>
        new()
        {
            ["file_extension"] = ".cs",
            ["mimetype"] = "text/x-csharp",
            ["name"] = "C#",
            ["pygments_lexer"] = "csharp",
            ["version"] = "14.0",
        };

    /// <summary>The language that a notebook names, or null where it is C#, or names none.</summary>
    public static string? Other(JsonObject metadata)
    {
        string? named =
            JsonText.At(metadata, "kernelspec", "language")
            ?? JsonText.At(metadata, "language_info", "name")
            ?? JsonText.At(metadata, "kernelspec", "name");
        // VS Code calls the language of a notebook of several by its own name; each cell then says which it is.
        return
            named?.ToLowerInvariant()
                is null
                    or ""
                    or "c#"
                    or "csharp"
                    or ".net-csharp"
                    or "csnotebook"
                    or "polyglot-notebook"
            ? null
            : named;
    }

    /// <summary>Notes in a notebook that it is run here.</summary>
    public static void Note(JsonObject metadata)
    {
        metadata["kernelspec"] ??= new JsonObject
        {
            ["display_name"] = "C# (csnotebook)",
            ["language"] = "C#",
            ["name"] = "csnotebook",
        };
        metadata["language_info"] = Info;
    }
}
