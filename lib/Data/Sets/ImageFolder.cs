namespace PatchKit.Data;

/// <summary>
/// Images in one folder per class, as torchvision's ImageFolder has them: classes are the subfolders in ordinal order of their
/// names, images all .jpg, .jpeg, .png (any case) below them, in ordinal order of their paths. Hidden files are left out.
/// </summary>
public sealed class ImageFolder : IImageSource
{
    private static readonly string[] Endings = [".jpg", ".jpeg", ".png"];
    private readonly string[] _paths;
    private readonly int[] _labels;

    /// <summary>Lists a folder.</summary>
    /// <param name="folder">the folder of class folders.</param>
    /// <param name="classes">the classes, where a training set has fixed them: each must have a folder here. The folders' names where null.</param>
    /// <param name="options">how files are decoded.</param>
    /// <exception cref="ImageException">The folder is missing, has no class folder, lacks one of <paramref name="classes"/>, has one too many, or a class has no image.</exception>
    public ImageFolder(string folder, IReadOnlyList<string>? classes = null, DecodeOptions? options = null)
    {
        (Folder, Options) = (folder, options ?? DecodeOptions.Default);
        if (!Directory.Exists(folder)) throw new ImageException(folder, "does not exist; name a folder with one subfolder of images per class.");
        string[] found = [.. Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path)!).Where(name => name[0] != '.').Order(StringComparer.Ordinal)];
        if (found.Length == 0) throw new ImageException(folder, "has no subfolders; put the images of each class into a folder that is named after it.");
        Classes = classes ?? found;
        Match(folder, Classes, found);

        List<string> paths = [];
        List<int> labels = [];
        for (int label = 0; label < Classes.Count; label++)
        {
            int before = paths.Count;
            paths.AddRange(Images(Path.Combine(folder, Classes[label])));
            if (paths.Count == before) throw new ImageException(Path.Combine(folder, Classes[label]), "has no .jpg, .jpeg or .png file; a class needs at least one image.");
            labels.AddRange(Enumerable.Repeat(label, paths.Count - before));
        }
        (_paths, _labels) = ([.. paths], [.. labels]);
    }

    /// <summary>The folder of class folders.</summary>
    public string Folder { get; }

    /// <summary>How files are decoded.</summary>
    public DecodeOptions Options { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    public int Count => _paths.Length;

    /// <inheritdoc/>
    public int Label(int index) => _labels[index];

    /// <inheritdoc/>
    public string Name(int index) => _paths[index];

    /// <inheritdoc/>
    public Image Read(int index) => ImageCodec.Read(_paths[index], Options);

    private static IEnumerable<string> Images(string folder) => Directory
        .EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden, IgnoreInaccessible = false })
        .Where(path => Endings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
        .Order(StringComparer.Ordinal);

    private static void Match(string folder, IReadOnlyList<string> wanted, string[] found)
    {
        string[] missing = [.. wanted.Except(found, StringComparer.Ordinal)], extra = [.. found.Except(wanted, StringComparer.Ordinal)];
        if (missing.Length > 0)
            throw new ImageException(folder, $"lacks {Some(missing)} of the {wanted.Count} class folders; it must have the folders that the classes were numbered by.");
        if (extra.Length > 0)
            throw new ImageException(folder, $"has {Some(extra)} beside the {wanted.Count} known classes; move {(extra.Length == 1 ? "it" : "them")} away or train on the classes it has.");
    }

    private static string Some(string[] names) => names.Length <= 3 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(3))} and {names.Length - 3} more";
}
