namespace PatchKit.Tests.Checkpoints;

/// <summary>
/// Checkpoints that PyTorch itself wrote (tests/fixtures/checkpoints/make.py), and a folder for those that tests write.
/// </summary>
internal static class Fixtures
{
    private static readonly Lazy<string> LazyFolder = new(Find);

    internal static string PathOf(string name) => Path.Combine(LazyFolder.Value, name);

    internal static IEnumerable<string> Files =>
        Directory
            .EnumerateFiles(LazyFolder.Value)
            .Where(path => Path.GetExtension(path) is ".pth" or ".safetensors")
            .Select(path => Path.GetFileName(path))
            .Order();

    /// <summary>A new folder, deleted when disposed.</summary>
    internal static TemporaryFolder NewFolder() => new();

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("PATCHKIT_FIXTURES") is { Length: > 0 } given)
            return Path.Combine(given, "checkpoints");
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (
                Path.Combine(folder.FullName, "tests", "fixtures", "checkpoints") is var found
                && Directory.Exists(found)
            )
                return found;
        throw new DirectoryNotFoundException(
            $"No folder above {AppContext.BaseDirectory} holds tests/fixtures/checkpoints; name "
                + "tests/fixtures in PATCHKIT_FIXTURES."
        );
    }

    internal sealed class TemporaryFolder : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("patchkit-test-").FullName;

        internal string this[string name] => Path.Combine(_path, name);

        internal IEnumerable<string> Names =>
            Directory.EnumerateFileSystemEntries(_path).Select(path => Path.GetFileName(path)).Order();

        internal string Write(string name, ReadOnlySpan<byte> bytes)
        {
            File.WriteAllBytes(this[name], bytes.ToArray());
            return this[name];
        }

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}
