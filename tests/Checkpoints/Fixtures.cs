namespace PatchKit.Tests.Checkpoints;

/// <summary>
/// Checkpoints that PyTorch itself wrote (tests/fixtures/checkpoints/make.py), and a folder for those that tests write.
/// </summary>
internal static class Fixtures
{
    private static readonly string s_folder = Checkout.Path("tests", "fixtures", "checkpoints");

    internal static string PathOf(string name) => Path.Combine(s_folder, name);

    internal static IEnumerable<string> Files =>
        Directory
            .EnumerateFiles(s_folder)
            .Where(path => Path.GetExtension(path) is ".pth" or ".safetensors")
            .Select(path => Path.GetFileName(path))
            .Order();

    /// <summary>A new folder, deleted when disposed.</summary>
    internal static TemporaryFolder NewFolder() => new();

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
