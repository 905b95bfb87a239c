using System.Formats.Tar;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;

namespace PatchKit.Data.Coco;

/// <summary>Files below a folder, or in a .tar, .tar.gz or .tar.xz archive, which is held in memory.</summary>
internal sealed class FileTree
{
    private readonly Dictionary<string, byte[]>? _archived;

    /// <exception cref="ImageException">There is no such folder or archive, or it is damaged.</exception>
    internal FileTree(string path)
    {
        Path = path;
        if (Directory.Exists(path))
            return;
        if (!File.Exists(path))
            throw new ImageException(path, "does not exist; name a folder with COCO's files, or an archive of one.");
        _archived = new(StringComparer.Ordinal);
        try
        {
            using var unpacked = Unpacked(path);
            using var tar = new TarReader(unpacked);
            while (tar.GetNextEntry() is { } entry)
            {
                if (entry.DataStream is not { } data)
                    continue;
                using var bytes = new MemoryStream();
                data.CopyTo(bytes);
                _archived[Below(entry.Name)] = bytes.ToArray();
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new ImageException(
                path,
                $"is no archive that can be read ({e.Message.TrimEnd('.')}); name a folder, or a .tar, "
                    + ".tar.gz or .tar.xz file.",
                e
            );
        }
    }

    internal string Path { get; }

    internal bool IsArchive => _archived is not null;

    internal bool Has(string name) => _archived?.ContainsKey(name) ?? File.Exists(Full(name));

    /// <exception cref="ImageException">There is no such file.</exception>
    internal byte[] Read(string name) =>
        Has(name)
            ? _archived is null
                ? File.ReadAllBytes(Full(name))
                : _archived[name]
            : throw new ImageException(Full(name), "does not exist; the set is not whole.");

    /// <summary>What messages call a file.</summary>
    internal string Full(string name) => System.IO.Path.Combine(Path, name);

    // Archives hold their files below one folder, such as camvid/.
    private static string Below(string name)
    {
        string plain = name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
        return plain[(plain.IndexOf('/') + 1)..];
    }

    private static Stream Unpacked(string path) =>
        path.EndsWith(".gz", StringComparison.Ordinal) || path.EndsWith(".tgz", StringComparison.Ordinal)
            ? new System.IO.Compression.GZipStream(
                File.OpenRead(path),
                System.IO.Compression.CompressionMode.Decompress
            )
            : new MemoryStream(XzFile.ReadAllBytes(path));
}
