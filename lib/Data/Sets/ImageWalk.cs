using System.IO.Enumeration;
using PatchKit.Data.Images;

namespace PatchKit.Data.Sets;

/// <summary>
/// The images below class folders. Links to files and to folders are followed, but no folder is entered and no image
/// taken twice: an image belongs to the folder that it lies in, and one that only links lead to, to the first of them.
/// What is passed over is counted.
/// </summary>
internal sealed class ImageWalk
{
    private readonly HashSet<string> _folders = new(StringComparer.Ordinal),
        _files = new(StringComparer.Ordinal);
    private readonly Queue<(string Path, int Label)> _links = [];
    private readonly List<(string Path, int Label)> _found = [];
    private readonly string _root;
    private readonly SortedDictionary<string, int> _passed = new(StringComparer.Ordinal);

    /// <summary>Walks.</summary>
    /// <param name="root">The folder of class folders.</param>
    /// <param name="classes">The names of the class folders.</param>
    internal ImageWalk(string root, IReadOnlyList<string> classes)
    {
        _root = RealPath.Of(root)!;
        var folders = classes
            .Index()
            .ToLookup(
                entry => IsLink(Path.Combine(root, entry.Item)),
                entry => (Path: Path.Combine(root, entry.Item), Label: entry.Index)
            );
        foreach (var link in folders[true])
            _links.Enqueue(link);
        foreach (var (path, label) in folders[false])
            Enter(path, RealPath.Of(path)!, label);
        while (_links.TryDequeue(out var link))
            Follow(link.Path, link.Label);
    }

    /// <summary>The images with their classes, class by class in ordinal order of their paths.</summary>
    internal IEnumerable<(string Path, int Label)> Found =>
        _found.OrderBy(file => file.Label).ThenBy(file => file.Path, StringComparer.Ordinal);

    /// <summary>What was passed over, such as ".txt", and how often.</summary>
    internal IReadOnlyList<(string What, int Count)> Passed => [.. _passed.Select(entry => (entry.Key, entry.Value))];

    private void Follow(string path, int label)
    {
        string? real = RealPath.Of(path);
        if (real is not null && Directory.Exists(real))
            if (Holds(real, _root) || Holds(real, RealPath.Of(Path.GetDirectoryName(path)!)!))
                Pass("links to folders that they lie in");
            else
                Enter(path, real, label);
        else if (!ImageCodec.IsImage(path))
            Pass(Path.GetExtension(path));
        // one that leads nowhere is said where it is read
        else if (real is null || _files.Add(real))
            _found.Add((path, label));
        else
            Pass("images that links lead to again");
    }

    private void Enter(string path, string real, int label)
    {
        if (!_folders.Add(real))
        {
            Pass("folders that links lead to again");
            return;
        }
        var own = Names(path, FileAttributes.Hidden | FileAttributes.ReparsePoint)
            .ToDictionary(entry => entry.Name, entry => entry.IsFolder, StringComparer.Ordinal);
        foreach (var (name, isFolder) in own.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            if (isFolder)
                Enter(Path.Combine(path, name), Path.Combine(real, name), label);
            else if (!ImageCodec.IsImage(name))
                Pass(Path.GetExtension(name));
            else if (_files.Add(Path.Combine(real, name)))
                _found.Add((Path.Combine(path, name), label));
            else
                Pass("images that links lead to again");
        foreach (
            var (name, _) in Names(path, FileAttributes.Hidden)
                .Where(entry => !own.ContainsKey(entry.Name))
                .OrderBy(entry => entry.Name, StringComparer.Ordinal)
        )
            _links.Enqueue((Path.Combine(path, name), label));
    }

    private void Pass(string what)
    {
        string named = what == "" ? "files without an ending" : what.ToLowerInvariant();
        _passed[named] = _passed.GetValueOrDefault(named) + 1;
    }

    private static bool Holds(string folder, string path) =>
        path == folder
        || path.StartsWith(
            folder.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar,
            StringComparison.Ordinal
        );

    private static bool IsLink(string folder) => new DirectoryInfo(folder).LinkTarget is not null;

    // What a folder's own list says, without a look at each file: there may be a million.
    private static FileSystemEnumerable<(string Name, bool IsFolder)> Names(string folder, FileAttributes without) =>
        new(
            folder,
            static (ref FileSystemEntry entry) => (entry.FileName.ToString(), entry.IsDirectory),
            new EnumerationOptions { AttributesToSkip = without, IgnoreInaccessible = false }
        );
}
