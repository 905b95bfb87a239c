using System.Reflection;
using System.Runtime.Loader;

namespace CsNotebook.Engine.Formatting;

/// <summary>plotly.js, which draws charts, from where this machine has it, and the script that calls it.</summary>
internal static class PlotlyScript
{
    /// <summary>Marks what is said of plotly.js in a front end; a page of its own leaves it out.</summary>
    public const string Note = "data-plotly-note";

    private static readonly Lazy<string> Charts = new(() =>
    {
        using var script = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("charts.js")!);
        return script.ReadToEnd();
    });

    /// <summary>Draws every chart of a page, as charts come.</summary>
    public static string Upgrade => Charts.Value;

    /// <summary>
    /// plotly.js: npm's package in a folder or above it, or the copy in Plotly.NET, beside this program or among
    /// NuGet's packages; null where there is none.
    /// </summary>
    public static string? Find(string folder)
    {
        for (var at = new DirectoryInfo(Path.GetFullPath(folder)); at is not null; at = at.Parent)
        {
            string path = Path.Combine(at.FullName, "node_modules", "plotly.js-dist-min", "plotly.min.js");
            if (File.Exists(path))
                return File.ReadAllText(path);
        }
        return Libraries().Select(Of).FirstOrDefault(script => script is not null);
    }

    /// <summary>The script that an assembly of Plotly.NET carries.</summary>
    public static string? Of(Assembly assembly)
    {
        string? name = assembly
            .GetManifestResourceNames()
            .FirstOrDefault(resource => resource.EndsWith(".min.js", StringComparison.Ordinal));
        if (name is null)
            return null;
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    /// <summary>Text that may stand in a script of a page.</summary>
    public static string Inline(string text) =>
        text.Replace("</", "<\\/", StringComparison.Ordinal).Replace("<!--", "<\\!--", StringComparison.Ordinal);

    private static IEnumerable<string> Libraries()
    {
        yield return Path.Combine(AppContext.BaseDirectory, "Plotly.NET.dll");
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } named
            ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string package = Path.Combine(packages, "plotly.net");
        if (!Directory.Exists(package))
            yield break;
        foreach (string version in Directory.GetDirectories(package).OrderByDescending(Version))
        {
            foreach (string library in Directory.GetFiles(version, "Plotly.NET.dll", SearchOption.AllDirectories))
                yield return library;
        }
    }

    private static Version Version(string folder) =>
        System.Version.TryParse(Path.GetFileName(folder).Split('-')[0], out var version) ? version : new Version();

    private static string? Of(string library)
    {
        if (!File.Exists(library))
            return null;
        var context = new AssemblyLoadContext("plotly.js", isCollectible: true);
        try
        {
            return Of(context.LoadFromAssemblyPath(library));
        }
        catch (BadImageFormatException)
        {
            return null;
        }
        finally
        {
            context.Unload();
        }
    }
}
