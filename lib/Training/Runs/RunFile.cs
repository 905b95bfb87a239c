using System.Text.Json;

namespace PatchKit.Training.Runs;

/// <summary>The writing of a run's files, and the reading of those in JSON.</summary>
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

    /// <summary>Writes a value as JSON under a temporary name and renames it.</summary>
    /// <exception cref="IOException">The disk is full, or the place may not be written to; a file that was there is as
    /// it was.</exception>
    internal static void WriteJson<T>(string path, T value) =>
        Put(
            path,
            () =>
            {
                string partial = $"{path}.{Guid.NewGuid():N}.partial";
                try
                {
                    using (
                        var stream = new FileStream(
                            partial,
                            FileMode.CreateNew,
                            FileAccess.Write,
                            FileShare.None,
                            bufferSize: 0
                        )
                    )
                    {
                        stream.Write(JsonSerializer.SerializeToUtf8Bytes(value, RunConfig.Json));
                        stream.Flush(flushToDisk: true);
                    }
                    File.Move(partial, path, overwrite: true);
                }
                finally
                {
                    if (File.Exists(partial))
                        File.Delete(partial);
                }
            }
        );

    /// <summary>Reads a value; null where there is no file, or a damaged one, which is as good as none.</summary>
    internal static T? ReadJson<T>(string path)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(path), RunConfig.Json);
        }
        catch (Exception e)
            when (e is JsonException or NotSupportedException or FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
