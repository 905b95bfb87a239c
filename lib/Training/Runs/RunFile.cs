namespace PatchKit.Training.Runs;

/// <summary>The writing of a run's files.</summary>
internal static class RunFile
{
    /// <summary>Writes; where that fails, the message names the file and says what to do.</summary>
    /// <exception cref="IOException">The disk is full, or the place may not be written to.</exception>
    internal static void Put(string path, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            // .NET takes a file that is beyond the system's limit (EFBIG) for a wrong argument.
            string reason =
                e is ArgumentOutOfRangeException
                    ? "the file is larger than its file system or `ulimit -f` allows"
                    : e.Message;
            string failure = reason.StartsWith(path, StringComparison.Ordinal)
                ? reason
                : $"{path} cannot be written: {reason}";
            throw new IOException(
                $"{failure.TrimEnd('.')}. Make room on its disk, or get leave to write there; the same run "
                    + "then goes on from its last checkpoint.",
                e
            );
        }
    }
}
