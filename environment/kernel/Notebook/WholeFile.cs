using System.Text;

namespace CsNotebook.Notebook;

/// <summary>
/// Files that a command writes: each is the old or the new one, never half of it, and none is found out too late.
/// </summary>
internal static class WholeFile
{
    /// <summary>
    /// Half a character, as a cell may print it, is written as U+FFFD: the encoding's default would throw.
    /// </summary>
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: false);

    /// <summary>Makes sure, before any work is done, that a file can be written, and makes its folder.</summary>
    /// <param name="path">the file.</param>
    /// <param name="what">what is to be written there, as the command line names it.</param>
    /// <exception cref="ArgumentException">It cannot be written.</exception>
    public static void Check(string path, string what)
    {
        if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
            throw new ArgumentException($"{what} {path} is a folder; name a file in it.");
        string target = Target(path);
        try
        {
            if (IsDevice(target))
                return;
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (File.Exists(target))
                File.Open(target, FileMode.Open, FileAccess.Write).Dispose();
            string half = Half(target);
            File.WriteAllText(half, "");
            File.Delete(half);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"{what} {path} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Writes a file in one step. A link stays one, and a file keeps its permissions.</summary>
    public static void Write(string path, string text)
    {
        string target = Target(path);
        if (IsDevice(target))
        {
            File.WriteAllText(target, text, Utf8);
            return;
        }
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        string half = Half(target);
        try
        {
            File.WriteAllText(half, text, Utf8);
            if (!OperatingSystem.IsWindows() && File.Exists(target))
                File.SetUnixFileMode(half, File.GetUnixFileMode(target));
            File.Move(half, target, overwrite: true);
        }
        catch
        {
            File.Delete(half);
            throw;
        }
    }

    /// <summary>Whether two names lead to one file.</summary>
    public static bool Same(string a, string b) =>
        string.Equals(
            Target(a),
            Target(b),
            OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal
        );

    private static string Target(string path)
    {
        string full = Path.GetFullPath(path);
        var file = new FileInfo(full);
        return file.LinkTarget is null || IsDevice(full)
            ? full
            : file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? full;
    }

    /// <summary>A device or a pipe is written to; a file that took its name would be a mishap.</summary>
    private static bool IsDevice(string path) =>
        path.StartsWith("/dev/", StringComparison.Ordinal) && !OperatingSystem.IsWindows();

    private static string Half(string target) => $"{target}.{Environment.ProcessId}.tmp";
}
