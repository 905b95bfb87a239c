namespace CsNotebook.Engine;

/// <summary>
/// A stand-in for the folder of a dll that a cell referenced. A dll that gets loaded is a copy, so a rebuild can
/// overwrite the original at any time; everything beside it (native libraries, data) is a link to the original, so code
/// that looks beside its own assembly finds what it expects.
/// </summary>
internal sealed class ShadowFolder
{
    private readonly string _source;
    private readonly string _shadow;

    /// <param name="source">the folder of the original dll.</param>
    /// <param name="shadow">the folder to make.</param>
    public ShadowFolder(string source, string shadow)
    {
        (_source, _shadow) = (source, shadow);
        Directory.CreateDirectory(shadow);
        foreach (string entry in Directory.EnumerateFileSystemEntries(source))
        {
            if (!IsDll(entry))
                LinkOrCopy(entry, Path.Combine(shadow, Path.GetFileName(entry)));
        }
    }

    /// <summary>A folder of links that are made one by one.</summary>
    /// <param name="shadow">the folder to make.</param>
    public ShadowFolder(string shadow)
    {
        (_source, _shadow) = ("", shadow);
        Directory.CreateDirectory(shadow);
    }

    /// <summary>Makes a link to a file, unless there is one of its name.</summary>
    public void Link(string original)
    {
        string link = Path.Combine(_shadow, Path.GetFileName(original));
        if (!Path.Exists(link))
            LinkOrCopy(original, link);
    }

    /// <summary>The original folder.</summary>
    public string Source => _source;

    /// <summary>A copy of the dll of that name that can be loaded, or null where the folder has none.</summary>
    public string? Copy(string dll)
    {
        string original = Path.Combine(_source, dll),
            copy = Path.Combine(_shadow, dll);
        if (!File.Exists(original))
            return null;
        if (!File.Exists(copy))
            File.Copy(original, copy);
        return copy;
    }

    /// <summary>The path of a file as seen beside the copies, or null where there is none.</summary>
    public string? Find(string relative) =>
        Path.Combine(_shadow, relative) is var path && File.Exists(path) ? path : null;

    private static bool IsDll(string path) =>
        path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) && File.Exists(path);

    private static void LinkOrCopy(string original, string link)
    {
        try
        {
            if (Directory.Exists(original))
                Directory.CreateSymbolicLink(link, original);
            else
                File.CreateSymbolicLink(link, original);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            // No links here (Windows without developer mode): native libraries are what code looks for, so copy files.
            if (File.Exists(original))
                File.Copy(original, link);
        }
    }
}
