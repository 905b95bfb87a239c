using System.Net;
using System.Reflection;
using System.Text;
using CsNotebook.Engine.Formatting;
using CsNotebook.Notebook;

namespace CsNotebook.Site;

/// <summary>
/// A folder of executed notebooks as a static site: an index, a page for each, and what they link to. It needs no
/// server and no network, and one copy of plotly.js serves all pages.
/// </summary>
public sealed class CourseSite
{
    /// <summary>Tells a site of an earlier call, which may be replaced, from a folder that may not.</summary>
    private const string Mark = ".csnotebook-site";

    private const string Recorded = "recorded";
    private const string Elsewhere = $" What was run elsewhere: <a href=\"{Recorded}\">recorded results</a>.";
    private const string Plotly = "plotly.min.js",
        Instructor = "instructor.html",
        ForInstructors = "For instructors";

    private readonly string _folder,
        _target,
        _title;
    private readonly bool _students;
    private readonly List<SiteNotebook> _notebooks;
    private readonly SiteFiles _files;
    private readonly string _readme;
    private readonly string? _instructors;
    private int _written;
    private long _bytes;
    private bool _figures;

    private CourseSite(string folder, string target, string? title, bool students)
    {
        (_folder, _target, _students) = (folder, target, students);
        string root = Root(folder);
        _files = new SiteFiles(folder, root);
        _notebooks = [.. Names(folder).Select(name => new SiteNotebook(name, NotebookFile.Load(FileOf(name))))];
        (_readme, _instructors) = Parted(Text(Path.Combine(folder, "README.md")));
        title ??= Heading(Text(Path.Combine(root, "README.md"))) ?? Heading(_readme);
        _title = title ?? Path.GetFileName(folder);
    }

    /// <summary>Writes the site.</summary>
    /// <param name="folder">the folder of the notebooks.</param>
    /// <param name="target">the site's folder: new, empty, or a site of an earlier call, which is replaced.</param>
    /// <param name="title">the course's title; null for the heading of the project's README.md.</param>
    /// <param name="students">whether to leave out solutions and what is said to instructors.</param>
    /// <exception cref="ArgumentException">There is no notebook, or the site's folder holds something else.</exception>
    /// <exception cref="InvalidDataException">A file is no notebook of C#.</exception>
    public static SiteReport Build(string folder, string target, string? title = null, bool students = false)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        if (!Directory.Exists(folder))
            throw new ArgumentException($"there is no folder {folder}; name the one that holds the notebooks.");
        if (!Names(folder).Any())
            throw new ArgumentException($"there is no notebook in {folder}; name the folder that holds them.");
        bool used = Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any();
        if (used && !File.Exists(Path.Combine(target, Mark)))
            throw new ArgumentException(
                $"--out {target} holds files that are no site of csnotebook; name a new folder, or empty it."
            );
        // The site that is there goes when the new one is whole.
        string made = $"{target}.new";
        if (Directory.Exists(made))
            Directory.Delete(made, recursive: true);
        var report = new CourseSite(folder, made, title, students).Write();
        if (Directory.Exists(target))
            Directory.Delete(target, recursive: true);
        Directory.Move(made, target);
        return report;
    }

    private SiteReport Write()
    {
        Put(Mark, "Written by csnotebook site, which replaces this folder when it is called again.\n");
        for (int i = 0; i < _notebooks.Count; i++)
            WriteNotebook(i);
        Put("index.html", Framed("index.html", _title, Index()));
        if (!_students && _instructors is not null)
            Put(Instructor, Framed(Instructor, ForInstructors, Instructors()));
        while (_files.Next() is var (source, place))
            WriteFile(source, place);
        string? plotly = _figures ? PlotlyScript.Find(_folder) : null;
        if (plotly is not null)
            Put(Plotly, plotly);
        Put("charts.js", plotly is null ? "// There was no plotly.js: figures stay images.\n" : PlotlyScript.Upgrade);
        using var css = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("site.css")!);
        Put("site.css", HtmlPage.Style + css.ReadToEnd());
        return new(_notebooks.Count, _written, _bytes, _figures && plotly is null, _files.Unlinked);
    }

    private void WriteNotebook(int index)
    {
        var (name, page) = (_notebooks[index].Name, _notebooks[index].Page);
        var shown = _notebooks[index].Notebook;
        if (_students)
            StudentCopy.Make(shown, keepOutputs: true);
        string body = _files.Linked(HtmlPage.Body(shown, _folder, html => html), _folder, page);
        string elsewhere = Directory.Exists(Path.Combine(_folder, Recorded))
            ? _files.Linked(Elsewhere, _folder, page)
            : "";
        string without = _students ? "without solutions and outputs" : "without outputs";
        string foot =
            $"<p class=\"quiet\">The notebook itself: <a href=\"{Links.Escaped(name)}.ipynb\" download>"
            + $"{Encoded(name)}.ipynb</a>, {without}.{elsewhere}</p>\n";
        Put(page, Framed(page, _notebooks[index].Title, $"{body}{foot}{Pager(index)}"));
        var copy = NotebookFile.Load(FileOf(name));
        if (_students)
            StudentCopy.Make(copy);
        foreach (var cell in copy.Cells.Where(cell => cell.IsCode))
            cell.ClearOutputs();
        Put($"{name}.ipynb", copy.ToString());
        if (_notebooks[index].Picture is { } picture)
            Put($"figures/{name}.{picture.Extension}", picture.Bytes);
    }

    private void WriteFile(string source, string place)
    {
        string from = Path.GetDirectoryName(source)!;
        if (Directory.Exists(source))
            Put(place, Framed(place, Path.GetFileName(source), _files.Linked(_files.List(source), source, place)));
        else if (Path.GetExtension(source) == ".md")
        {
            string text = Path.Combine(_folder, "README.md") == source ? _readme : Text(source)!;
            string html = _files.Linked(HtmlPage.MarkdownHtml(text, from), from, place);
            string heading = Heading(text) ?? Path.GetFileName(source);
            Put(place, Framed(place, heading, $"<section class=\"markdown\">\n{html}</section>\n"));
        }
        else if (SiteFiles.IsSource(source))
        {
            string text = File.ReadAllText(source);
            string code = Path.GetExtension(source) == ".cs" ? CodeHighlight.ToHtml(text) : Encoded(text);
            string name = Path.GetFileName(source);
            string body = $"<h1>{Encoded(name)}</h1>\n<pre class=\"source\"><code>{code}</code></pre>\n";
            Put(place, Framed(place, name, body));
        }
        else
            Put(place, File.ReadAllBytes(source));
    }

    private string Index()
    {
        string lead = Prose(Lead(), "index.html");
        var html = new StringBuilder($"<h1>{Encoded(_title)}</h1>\n<div class=\"markdown\">{lead}</div>\n");
        var verdicts = _notebooks.SelectMany(notebook => notebook.Verdicts).ToList();
        if (verdicts.Count > 0)
            html.Append($"<p>{_notebooks.Count} notebooks hold {verdicts.Count} claims against numbers: ")
                .Append($"{Counts(verdicts)}.</p>\n");
        html.Append("<ol class=\"cards\">\n");
        foreach (var notebook in _notebooks)
        {
            string page = Links.Escaped(notebook.Page),
                name = Links.Escaped(notebook.Name);
            html.Append("<li>\n");
            if (notebook.Picture is { } picture)
                html.Append($"<a class=\"thumbnail\" href=\"{page}\" tabindex=\"-1\"><img loading=\"lazy\" ")
                    .Append($"alt=\"{Encoded(picture.Words)}\" src=\"figures/{name}.{picture.Extension}\"></a>\n");
            html.Append($"<div><h2><a href=\"{page}\">{Inline(notebook.Title)}</a></h2>\n");
            html.Append(Prose(notebook.Objective, "index.html"));
            if (notebook.Minutes.Length > 0)
                html.Append($"<div class=\"quiet\">{Prose($"**Minutes.** {notebook.Minutes}", "index.html")}</div>\n");
            if (notebook.Verdicts.Count > 0)
                html.Append($"<details class=\"verdicts\"><summary>{Counts(notebook.Verdicts)}</summary>\n")
                    .Append($"{List(notebook.Verdicts)}</details>\n");
            html.Append("</div></li>\n");
        }
        return html.Append("</ol>\n").ToString();
    }

    private string Instructors()
    {
        string text = _instructors!.Replace($"## {ForInstructors}", $"# {ForInstructors}", StringComparison.Ordinal);
        var html = new StringBuilder($"<section class=\"markdown\">\n{Prose(text, Instructor)}</section>\n");
        html.Append("<h2>Minutes and exercises</h2>\n<div class=\"wide\"><table class=\"words\"><thead><tr>");
        foreach (string column in (string[])["notebook", "minutes", "exercises", "verdicts"])
            html.Append($"<th scope=\"col\">{column}</th>");
        html.Append("</tr></thead><tbody>\n");
        foreach (var notebook in _notebooks)
            html.Append($"<tr><td><a href=\"{Links.Escaped(notebook.Page)}\">{Inline(notebook.Title)}</a></td>")
                .Append($"<td>{Prose(notebook.Minutes, Instructor)}</td><td>{notebook.Exercises}</td>")
                .Append($"<td>{(notebook.Verdicts.Count > 0 ? Counts(notebook.Verdicts) : "")}</td></tr>\n");
        return html.Append("</tbody></table></div>\n").ToString();
    }

    private string Pager(int index)
    {
        var html = new StringBuilder("<nav class=\"pager\" aria-label=\"Notebooks before and after\">\n");
        if (index > 0 && _notebooks[index - 1] is var before)
            html.Append($"<a rel=\"prev\" href=\"{Links.Escaped(before.Page)}\">← {Inline(before.Title)}</a>\n");
        if (index < _notebooks.Count - 1 && _notebooks[index + 1] is var after)
            html.Append($"<a rel=\"next\" href=\"{Links.Escaped(after.Page)}\">{Inline(after.Title)} →</a>\n");
        return html.Append("</nav>\n").ToString();
    }

    /// <summary>A page around its content.</summary>
    private string Framed(string path, string heading, string body)
    {
        string up = string.Concat(Enumerable.Repeat("../", path.Replace('\\', '/').Count(c => c == '/')));
        bool charts = body.Contains("data-figure=", StringComparison.Ordinal);
        _figures |= charts;
        string about = File.Exists(Path.Combine(_folder, "README.md"))
            ? _files.Linked("<a href=\"README.md\">About the notebooks</a>", _folder, path)
            : "";
        return $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{Encoded(heading == _title ? _title : $"{heading} · {_title}")}</title>
            <link rel="icon" href="data:,">
            <link rel="stylesheet" href="{up}site.css">
            {(charts ? $"<script defer src=\"{up}charts.js\" data-plotly=\"{up}{Plotly}\"></script>" : "")}
            </head>
            <body>
            <header class="site"><nav aria-label="The site">
            <a href="{up}index.html"><strong>{Encoded(_title)}</strong></a>
            {about}
            {(!_students && _instructors is not null ? $"<a href=\"{up}{Instructor}\">{ForInstructors}</a>" : "")}
            </nav></header>
            <main>
            {body}</main>
            </body>
            </html>

            """;
    }

    private static string List(IEnumerable<SiteVerdict> verdicts)
    {
        var html = new StringBuilder("<ul>\n");
        foreach (var (word, text) in verdicts)
            html.Append($"<li><strong>{MarkOf(word)} {word}</strong>: {Inline(text)}</li>\n");
        return html.Append("</ul>\n").ToString();
    }

    /// <summary>How many verdicts there are of each outcome: "✔ 3 shown, ✘ 1 not shown".</summary>
    private static string Counts(IReadOnlyCollection<SiteVerdict> verdicts) =>
        string.Join(
            ", ",
            from outcome in SiteVerdict.Words
            let count = verdicts.Count(verdict => verdict.Word == outcome.Word)
            where count > 0
            select $"<span class=\"count\">{outcome.Mark} {count} {outcome.Word}</span>"
        );

    private static string MarkOf(string word) => SiteVerdict.Words.First(outcome => outcome.Word == word).Mark;

    private string Prose(string markdown, string page) =>
        _files.Linked(HtmlPage.MarkdownHtml(markdown, _folder), _folder, page);

    private string FileOf(string name) => Path.Combine(_folder, $"{name}.ipynb");

    /// <summary>A line of Markdown without links and paragraph.</summary>
    private static string Inline(string markdown)
    {
        string html = HtmlPage.MarkdownHtml(markdown.Replace("[", "\\[", StringComparison.Ordinal), "").Trim();
        return
            html.StartsWith("<p>", StringComparison.Ordinal)
            && html.EndsWith("</p>", StringComparison.Ordinal)
            && html.IndexOf("<p>", 3, StringComparison.Ordinal) < 0
            ? html[3..^4]
            : Encoded(markdown);
    }

    /// <summary>The first paragraph of the notebooks' README.md.</summary>
    private string Lead() =>
        _readme
            .Split("\n\n")
            .Select(text => text.Trim())
            .FirstOrDefault(text => text.Length > 0 && text[0] is not ('#' or '|' or '!' or '`'))
        ?? "";

    /// <summary>A text without the part that is for instructors, and that part.</summary>
    private static (string Others, string? Part) Parted(string? text)
    {
        if (text is null)
            return ("", null);
        var lines = text.Split('\n').ToList();
        int start = lines.FindIndex(line => line.Trim() == $"## {ForInstructors}");
        if (start < 0)
            return (text, null);
        int end = lines.FindIndex(start + 1, line => line.StartsWith("## ", StringComparison.Ordinal));
        if (end < 0)
            end = lines.Count;
        return (string.Join('\n', [.. lines[..start], .. lines[end..]]), string.Join('\n', lines[start..end]));
    }

    private static IEnumerable<string> Names(string folder) =>
        from file in Directory.GetFiles(folder, "*.ipynb").Order(StringComparer.Ordinal)
        select Path.GetFileNameWithoutExtension(file);

    /// <summary>The project's folder: the one under version control, or the one above.</summary>
    private static string Root(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (Path.Exists(Path.Combine(at.FullName, ".git")))
                return at.FullName;
        }
        return Path.GetDirectoryName(folder) ?? folder;
    }

    private static string? Text(string path) =>
        File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : null;

    private static string? Heading(string? text) => text is null ? null : HtmlPage.Heading(text);

    private static string Encoded(string text) => WebUtility.HtmlEncode(text);

    private void Put(string path, string text) => Put(path, Encoding.UTF8.GetBytes(text));

    private void Put(string path, byte[] content)
    {
        string file = Path.Combine(_target, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, content);
        (_written, _bytes) = (_written + 1, _bytes + content.Length);
    }
}
