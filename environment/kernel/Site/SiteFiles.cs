using System.Globalization;
using System.Net;
using System.Text;
using CsNotebook.Notebook;

namespace CsNotebook.Site;

/// <summary>
/// What pages link to besides notebooks: documents, sources, recorded results. A document and a source become a page, a
/// folder a list; anything else is copied. What is linked from there comes too.
/// </summary>
/// <param name="folder">the notebooks' folder, whose files keep their names.</param>
/// <param name="root">the project's folder, whose other files go to `source/`.</param>
internal sealed class SiteFiles(string folder, string root)
{
    /// <summary>A larger file is no reading.</summary>
    private const long MaxBytes = 2_000_000;

    /// <summary>A project is not copied whole.</summary>
    private const int MaxFiles = 300;

    private static readonly string[] Sources =
    [
        ".cs",
        ".csproj",
        ".props",
        ".targets",
        ".cpp",
        ".h",
        ".cu",
        ".cuh",
        ".py",
        ".sh",
        ".ps1",
        ".yml",
        ".yaml",
        ".txt",
        ".js",
        ".css",
    ];

    private readonly Dictionary<string, string> _places = new(StringComparer.Ordinal);
    private readonly Queue<string> _waiting = new();
    private readonly List<string> _unlinked = [];

    /// <summary>Links whose words alone were kept.</summary>
    public IReadOnlyList<string> Unlinked => _unlinked;

    /// <summary>Leads the links of a page to pages of the site.</summary>
    /// <param name="html">the markup.</param>
    /// <param name="from">the folder that its links are seen from.</param>
    /// <param name="page">the page, by its path in the site.</param>
    public string Linked(string html, string from, string page) =>
        Links.Redirected(
            html,
            (name, fragment) =>
            {
                if (name.Length == 0)
                    return fragment.ToLowerInvariant();
                string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(Path.Combine(from, name)));
                if (Place(target) is { } place)
                {
                    string here = Path.GetDirectoryName(page) is { Length: > 0 } at ? at : ".";
                    return Links.Escaped(Path.GetRelativePath(here, place)) + fragment.ToLowerInvariant();
                }
                // What lies outside the project, such as a page of its host, was never to be here.
                if (Within(target, root) is not null)
                    _unlinked.Add($"{page}: {name}");
                return null;
            }
        );

    /// <summary>The next file or folder that a page links to, and the path of what is made of it.</summary>
    public (string Source, string Place)? Next() =>
        _waiting.TryDequeue(out string? source) ? (source, _places[source]) : null;

    /// <summary>Whether a file becomes a page of text.</summary>
    public static bool IsSource(string path) => Sources.Contains(Path.GetExtension(path).ToLowerInvariant());

    /// <summary>A folder's list of what is in it.</summary>
    public string List(string source)
    {
        string name = WebUtility.HtmlEncode(Path.GetFileName(source));
        var html = new StringBuilder($"<h1>{name}</h1>\n<ul class=\"files\">\n");
        var entries = new DirectoryInfo(source).EnumerateFileSystemInfos();
        foreach (var entry in entries.OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            if (entry.Name.StartsWith('.') || entry.Name is "bin" or "obj" or "node_modules")
                continue;
            string size = entry is FileInfo file ? $" <span class=\"quiet\">{Size(file.Length)}</span>" : "";
            html.Append($"<li><a href=\"{Links.Escaped(entry.Name)}\">{WebUtility.HtmlEncode(entry.Name)}</a>")
                .Append($"{size}</li>\n");
        }
        return html.Append("</ul>\n").ToString();
    }

    /// <summary>A size for people.</summary>
    public static string Size(long bytes) =>
        bytes < 1_000_000
            ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, Math.Round(bytes / 1e3)):0} KB")
            : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");

    /// <summary>Where a file or folder of the project is found on the site; null where it is not to be.</summary>
    private string? Place(string target)
    {
        if (_places.TryGetValue(target, out string? known))
            return known;
        if (Within(target, folder) is { } beside)
        {
            // Their pages are written for themselves.
            if (Path.GetExtension(beside) == ".ipynb" && Path.GetDirectoryName(beside) == "" && File.Exists(target))
                return Path.ChangeExtension(beside, ".html");
            return Added(target, beside);
        }
        return Within(target, root) is { } elsewhere && Within(folder, target) is null
            ? Added(target, Path.Combine("source", elsewhere))
            : null;
    }

    private string? Added(string target, string path)
    {
        if (_places.Count >= MaxFiles)
            return null;
        if (Directory.Exists(target))
            path = Path.Combine(path, "index.html");
        else if (!File.Exists(target) || new FileInfo(target).Length > MaxBytes)
            return null;
        else if (Path.GetExtension(target) == ".md")
            path = Path.ChangeExtension(path, ".html");
        else if (IsSource(target))
            path += ".html";
        _places[target] = path;
        _waiting.Enqueue(target);
        return path;
    }

    /// <summary>A path seen from a folder; null where it is not below it.</summary>
    private static string? Within(string path, string folder) =>
        Path.GetRelativePath(folder, path) is var seen
        && seen is not ("." or "..")
        && !Path.IsPathRooted(seen)
        && !seen.StartsWith($"..{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            ? seen
            : null;
}
