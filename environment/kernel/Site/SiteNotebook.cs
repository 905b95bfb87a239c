using CsNotebook.Notebook;

namespace CsNotebook.Site;

/// <summary>A notebook of a course, and what its page in the index says.</summary>
/// <param name="Name">the file's name without its extension.</param>
/// <param name="Notebook">the notebook, executed.</param>
internal sealed record SiteNotebook(string Name, NotebookFile Notebook)
{
    /// <summary>Its first heading.</summary>
    public string Title { get; } = HtmlPage.Title(Notebook) ?? Name;

    /// <summary>Its page.</summary>
    public string Page => $"{Name}.html";

    /// <summary>The claims that it holds against numbers.</summary>
    public IReadOnlyList<SiteVerdict> Verdicts { get; } = SiteVerdict.In(Notebook);

    /// <summary>The picture that stands for it.</summary>
    public SitePicture? Picture { get; } = SitePicture.Of(Notebook);

    /// <summary>What it is to teach, in Markdown.</summary>
    public string Objective => Paragraph("Objective");

    /// <summary>How long it takes, in Markdown.</summary>
    public string Minutes => Paragraph("Minutes");

    /// <summary>How many exercises it has.</summary>
    public int Exercises => Notebook.Cells.Count(cell => cell.Tags.Contains("exercise"));

    /// <summary>The paragraph of the notebook's head that begins with a word in bold.</summary>
    private string Paragraph(string word)
    {
        string head = Notebook.Cells.FirstOrDefault(cell => cell.Type == "markdown")?.Source ?? "";
        string beginning = $"**{word}.**";
        string? found = head.Split("\n\n").FirstOrDefault(text => text.StartsWith(beginning, StringComparison.Ordinal));
        return found?[beginning.Length..].Trim() ?? "";
    }
}
