using PatchKit.Data.Images;

namespace PatchKit.Cli;

/// <summary>Asks whether results can be put where a command is told to, before the work that makes them.</summary>
internal static class OutputPlace
{
    /// <summary>A folder that is there or can be made, to be written into.</summary>
    /// <param name="path">the folder.</param>
    /// <param name="name">what the command calls it, such as --out.</param>
    /// <exception cref="ArgumentException">It is a file, is below one, or may not be written to.</exception>
    internal static void Folder(string path, string name)
    {
        if (System.IO.File.Exists(path))
            throw new ArgumentException($"{name} {path} is a file, where a folder is wanted; name another.");
        Probe(path, name);
    }

    /// <summary>A folder that is not there yet.</summary>
    /// <inheritdoc cref="Folder"/>
    /// <exception cref="ImageException">It is there.</exception>
    internal static void NewFolder(string path, string name)
    {
        if (Directory.Exists(path))
            throw new ImageException(
                Path.GetFullPath(Path.TrimEndingDirectorySeparator(path)),
                "exists already; name another folder, or delete it first."
            );
        Folder(path, name);
    }

    /// <summary>A file that is there or can be made.</summary>
    /// <inheritdoc cref="Folder"/>
    internal static void File(string path, string name)
    {
        if (Directory.Exists(path))
            throw new ArgumentException($"{name} {path} is a folder, where a file is wanted; name a file in it.");
        string above = Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;
        if (!Directory.Exists(above))
            throw new ArgumentException(
                $"{name} {path} would be in {above}, which does not exist; make that folder first, or name another."
            );
        Probe(above, name);
    }

    // The nearest folder above that is there decides: a file is made in it and taken away.
    private static void Probe(string path, string name)
    {
        string? there = Path.GetFullPath(path);
        while (there is not null && !Directory.Exists(there))
        {
            if (System.IO.File.Exists(there))
                throw new ArgumentException(
                    $"{name} {path} would be below {there}, which is a file; name another place."
                );
            there = Path.GetDirectoryName(there);
        }
        if (there is null)
            return;
        string probe = Path.Combine(there, $".patchkit-{Guid.NewGuid():N}");
        try
        {
            using (
                new FileStream(
                    probe,
                    FileMode.CreateNew,
                    FileAccess.Write,
                    FileShare.None,
                    1,
                    FileOptions.DeleteOnClose
                )
            ) { }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException(
                $"{name} {path} cannot be written: {there} may not be written to by this user, or its disk "
                    + "is full or read-only; name another place.",
                e
            );
        }
    }
}
