using System.Runtime.CompilerServices;

namespace PatchKit.Tests;

/// <summary>A folder of a test's own, deleted with it.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-public-").FullName;

    /// <summary>A path in it.</summary>
    internal string this[string name] => Path.Combine(_folder, name);

    /// <summary>Writes a file; folders on the way are made.</summary>
    internal string Put(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], bytes);
        return this[name];
    }

    internal string Put(string name, string text) => Put(name, System.Text.Encoding.UTF8.GetBytes(text));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Hashes of files are remembered apart from the user's own, by child processes, too.
    [ModuleInitializer]
    internal static void KeepHashesApart()
    {
        string cache = Directory.CreateTempSubdirectory("patchkit-cache-").FullName;
        Environment.SetEnvironmentVariable("PATCHKIT_CACHE", cache);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(cache, recursive: true);
    }
}
