using PatchKit.Data.Images;

namespace PatchKit.Cli;

/// <summary>A folder that appears under its name only when everything is in it.</summary>
internal static class NewFolder
{
    /// <summary>
    /// Fills a folder beside the wanted one and renames it; whatever goes wrong, nothing is left behind.
    /// </summary>
    /// <param name="folder">the folder, which must not exist.</param>
    /// <param name="fill">is given the folder to write into.</param>
    /// <exception cref="ImageException">The folder exists or cannot be written; a full disk is named as
    /// such.</exception>
    internal static void Fill(string folder, Action<string> fill)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (Directory.Exists(folder) || File.Exists(folder))
            throw new ImageException(folder, "exists already; name another folder, or delete it first.");
        string partial = $"{folder}.partial-{Environment.ProcessId}";
        try
        {
            Directory.CreateDirectory(partial);
            fill(partial);
            Directory.Move(partial, folder);
        }
        catch (ImageException e) when (e.Path.StartsWith(partial, StringComparison.Ordinal))
        {
            throw new ImageException(folder, e.Sentence, e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException && e is not ImageException))
        {
            throw new ImageException(folder, $"cannot be written: {e.Message}", e);
        }
        finally
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
        }
    }

    /// <summary>Refuses what cannot fit, before hours are spent on it.</summary>
    /// <exception cref="ImageException">The disk has less room.</exception>
    internal static void NeedRoom(string folder, long bytes)
    {
        string? above = Path.GetFullPath(folder);
        while (above is not null && !Directory.Exists(above))
            above = Path.GetDirectoryName(above);
        long free = new DriveInfo(above ?? "/").AvailableFreeSpace;
        if (free < bytes)
            throw new ImageException(
                folder,
                $"would take {Gigabytes(bytes)}, but its disk has {Gigabytes(free)} free; make room, or "
                    + "name a folder on another disk."
            );

        static string Gigabytes(long n) => $"{n / 1e9:N3} GB";
    }
}
