namespace CsNotebook.Engine;

/// <summary>
/// A stand-in for the folder of a dll that a cell referenced. A dll that gets loaded is a copy, so a rebuild can
/// overwrite the original at any time; everything beside it (native libraries, data) is a link to the original, so code
/// that looks beside its own assembly finds what it expects.
/// </summary>
internal sealed class ShadowFolder
{
    private readonly string source;
    private readonly string shadow;

    /// <param name="source">The folder of the original dll.</param>
    /// <param name="shadow">The folder to make.</param>
    public ShadowFolder(string source, string shadow)
    {
        (this.source, this.shadow) = (source, shadow);
        Directory.CreateDirectory(shadow);
        foreach (string entry in Directory.EnumerateFileSystemEntries(source))
        {
            if (!IsDll(entry))
                LinkOrCopy(entry, Path.Combine(shadow, Path.GetFileName(entry)));
        }
    }

    /// <summary>A folder of links that are made one by one.</summary>
    /// <param name="shadow">The folder to make.</param>
    public ShadowFolder(string shadow)
    {
        (source, this.shadow) = ("", shadow);
        Directory.CreateDirectory(shadow);
    }

    /// <summary>Makes a link to a file, unless there is one of its name.</summary>
    public void Link(string original)
    {
        string link = Path.Combine(shadow, Path.GetFileName(original));
        if (!Path.Exists(link))
            LinkOrCopy(original, link);
    }

    /// <summary>The original folder.</summary>
    public string Source => source;

    /// <summary>A copy of the dll of that name that can be loaded, or null where the folder has none.</summary>
    public string? Copy(string dll)
    {
        string original = Path.Combine(source, dll),
            copy = Path.Combine(shadow, dll);
        if (!File.Exists(original))
            return null;
        if (!File.Exists(copy))
            File.Copy(original, copy);
        return copy;
    }

    /// <summary>The path of a file as seen beside the copies, or null where there is none.</summary>
    public string? Find(string relative) =>
        Path.Combine(shadow, relative) is var path && File.Exists(path) ? path : null;

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
