using System.Security.Cryptography;
using System.Text;

namespace PatchKit.Data.Sets;

/// <summary>
/// A hash that grows by what tells one set from another, whatever numbers depend on: names, labels and every byte of
/// every file.
/// </summary>
internal sealed class ContentHash : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    internal void Add(string line) => _hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));

    internal void Add(int label, ReadOnlySpan<byte> pixels)
    {
        _hash.AppendData([(byte)label]);
        _hash.AppendData(pixels);
    }

    /// <summary>Names below a folder, and bytes.</summary>
    internal void AddFiles(string folder, IReadOnlyList<string> paths)
    {
        foreach (var (path, hash) in paths.Zip(FileHashes.Of(folder, paths)))
            Add($"{Path.GetRelativePath(folder, path)} {hash}");
    }

    /// <summary>16 hexadecimal digits of all that was added.</summary>
    internal string Digits() => Convert.ToHexStringLower(_hash.GetHashAndReset())[..16];

    public void Dispose() => _hash.Dispose();
}
