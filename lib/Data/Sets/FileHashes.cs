using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PatchKit.Data.Sets;

/// <summary>
/// The SHA-256 of files' bytes, which tells an edited file from what it was. It is kept, with each file's size and
/// times, in PATCHKIT_CACHE (~/.cache/patchkit where that is not set), so that a file is read again only when one of
/// them has changed.
/// </summary>
public static class FileHashes
{
    private const long Large = 1L << 30;

    // A file may change again within the tick of its file system's clock, and look the same.
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2),
        TellEvery = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Told, in a line, what a first reading of a large set costs and how far it is; standard error where nobody else
    /// listens.
    /// </summary>
    public static Action<string> Say { get; set; } = Console.Error.WriteLine;

    /// <summary>The hashes of files, 64 hexadecimal digits each; "missing" of one that cannot be read.</summary>
    /// <param name="folder">What they lie in, by which they are kept.</param>
    /// <param name="paths">The files.</param>
    internal static string[] Of(string folder, IReadOnlyList<string> paths)
    {
        string kept = Kept(folder);
        var known = Load(kept);
        var seen = new Seen[paths.Count];
        Parallel.For(
            0,
            seen.Length,
            i =>
                seen[i] =
                    Look(paths[i]) is var now
                    && known.TryGetValue(paths[i], out var before)
                    && before with { Hash = "" } == now
                        ? before
                        : now
        );
        int[] open = [.. Enumerable.Range(0, seen.Length).Where(i => seen[i].Hash == "")];
        if (open.Length == 0)
            return Array.ConvertAll(seen, file => file.Hash);

        long bytes = open.Sum(i => seen[i].Length);
        if (bytes >= Large)
            Say(
                $"{folder}: {open.Length:N0} files, {Gigabytes(bytes)}, are read once for the fingerprint "
                    + $"of what is in them; after that only those that change ({kept} remembers it)."
            );
        var progress = new Progress(folder, open.Length, bytes);
        var begun = DateTime.UtcNow;
        Parallel.ForEach(
            open,
            i =>
            {
                seen[i] = seen[i] with { Hash = Read(paths[i]) };
                progress.Add(seen[i].Length);
            }
        );
        Save(
            kept,
            seen.Select((file, i) => (paths[i], file))
                .Where(entry =>
                    entry.file.Hash != Missing && begun - new DateTime(entry.file.Written, DateTimeKind.Utc) > Settled
                )
        );
        return Array.ConvertAll(seen, file => file.Hash);
    }

    private const string Missing = "missing";

    private static Seen Look(string path)
    {
        FileSystemInfo file = new FileInfo(path);
        if (file.LinkTarget is not null && RealPath.Of(path) is { } real)
            file = new FileInfo(real);
        return file is FileInfo { Exists: true } found
            ? new(found.Length, found.LastWriteTimeUtc.Ticks, found.CreationTimeUtc.Ticks, "")
            : new(-1, 0, 0, Missing);
    }

    private static string Read(string path)
    {
        try
        {
            using var file = new FileStream(
                path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite,
                1 << 16,
                FileOptions.SequentialScan
            );
            return Convert.ToHexStringLower(SHA256.HashData(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Missing; // said where it is needed
        }
    }

    private static string Kept(string folder)
    {
        string cache = Environment.GetEnvironmentVariable("PATCHKIT_CACHE") is { Length: > 0 } named
            ? named
            : Path.Combine(
                Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } caches
                    ? caches
                    : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
                "patchkit"
            );
        return Path.Combine(
            cache,
            "hashes",
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(folder))))[..16] + ".tsv"
        );
    }

    // A line that is not whole is as good as none.
    private static Dictionary<string, Seen> Load(string kept)
    {
        var known = new Dictionary<string, Seen>(StringComparer.Ordinal);
        try
        {
            foreach (string line in File.ReadLines(kept))
                if (
                    line.Split('\t', 5) is [{ Length: 64 } hash, var length, var written, var made, var path]
                    && long.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes)
                    && long.TryParse(written, NumberStyles.None, CultureInfo.InvariantCulture, out long ticks)
                    && long.TryParse(made, NumberStyles.None, CultureInfo.InvariantCulture, out long first)
                )
                    known[path] = new(bytes, ticks, first, hash);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing is remembered.
        }
        return known;
    }

    private static void Save(string kept, IEnumerable<(string Path, Seen File)> files)
    {
        string partial = $"{kept}.{Guid.NewGuid():N}.partial";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(kept)!);
            var all = Load(kept);
            foreach (var (path, file) in files)
                all[path] = file;
            File.WriteAllLines(
                partial,
                all.Where(entry => !entry.Key.AsSpan().ContainsAny('\n', '\r'))
                    .Select(entry =>
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{entry.Value.Hash}\t{entry.Value.Length}\t{entry.Value.Written}\t"
                                + $"{entry.Value.Made}\t{entry.Key}"
                        )
                    )
            );
            File.Move(partial, kept, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A home that cannot be written to costs time, and no more.
            try
            {
                File.Delete(partial);
            }
            catch (Exception again) when (again is IOException or UnauthorizedAccessException) { }
        }
    }

    private static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB");

    private readonly record struct Seen(long Length, long Written, long Made, string Hash);

    private sealed class Progress(string folder, int files, long bytes)
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private long _read,
            _done,
            _next = (long)TellEvery.TotalSeconds;

        internal void Add(long length)
        {
            long read = Interlocked.Add(ref _read, length),
                done = Interlocked.Increment(ref _done),
                next = Interlocked.Read(ref _next);
            double seconds = _clock.Elapsed.TotalSeconds;
            if (
                seconds < next
                || Interlocked.CompareExchange(ref _next, (long)(seconds + TellEvery.TotalSeconds), next) != next
            )
                return;
            double left = read > 0 ? (bytes - read) * seconds / read : 0;
            Say(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{folder}: {done:N0} of {files:N0} files read, {Gigabytes(read)} "
                        + $"of {Gigabytes(bytes)}, about {(left < 90 ? $"{left:0} s" : $"{left / 60:0} min")} left."
                )
            );
        }
    }
}
