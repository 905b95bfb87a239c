using PatchKit.Data.Images;

namespace PatchKit.Data.Sets;

/// <summary>
/// Images in one folder per class, as torchvision's ImageFolder has them: classes are the subfolders in ordinal order
/// of their names, images all files below them whose names end as images' do (<see cref="ImageCodec.Endings"/>), in
/// ordinal order of their paths. Hidden files are left out, links followed (<see cref="ImageWalk"/>).
/// </summary>
public sealed class ImageFolder : IImageSource
{
    private readonly string[] _paths;
    private readonly int[] _labels;

    /// <summary>Lists a folder.</summary>
    /// <param name="folder">the folder of class folders.</param>
    /// <param name="classes">the classes, where a training set has fixed them: each must have a folder here. The
    /// folders' names where null.</param>
    /// <param name="options">how files are decoded.</param>
    /// <exception cref="ImageException">The folder is missing, has no class folder, lacks one of
    /// <paramref name="classes"/>, has one too many, or a class has no image.</exception>
    public ImageFolder(string folder, IReadOnlyList<string>? classes = null, DecodeOptions? options = null)
    {
        (Folder, Options) = (folder, options ?? DecodeOptions.Default);
        if (!Directory.Exists(folder))
            throw new ImageException(folder, "does not exist; name a folder with one subfolder of images per class.");
        string[] found =
        [
            .. Directory
                .EnumerateDirectories(folder)
                .Select(path => Path.GetFileName(path)!)
                .Where(name => name[0] != '.')
                .Order(StringComparer.Ordinal),
        ];
        if (found.Length == 0)
            throw new ImageException(
                folder,
                "has no subfolders; put the images of each class into a folder that is named after it."
            );
        Classes = classes ?? found;
        Match(folder, Classes, found);

        var walk = new ImageWalk(folder, Classes);
        LeftOut = walk.Passed;
        (_paths, _labels) = ([.. walk.Found.Select(file => file.Path)], [.. walk.Found.Select(file => file.Label)]);
        if (
            Enumerable.Range(0, Classes.Count).Except(_labels).Select(label => Classes[label]).FirstOrDefault() is
            { } empty
        )
        {
            string kinds = string.Join(", ", LeftOut.Select(kind => $"{kind.Count:N0} {kind.What}")),
                passedOver = LeftOut.Count == 0 ? "" : $". Passed over in {folder}: {kinds}";
            throw new ImageException(
                Path.Combine(folder, empty),
                $"has no image of its own ({string.Join(", ", ImageCodec.Endings)}); a class needs at least "
                    + $"one{passedOver}."
            );
        }
    }

    /// <summary>The folder of class folders.</summary>
    public string Folder { get; }

    /// <summary>How files are decoded.</summary>
    public DecodeOptions Options { get; }

    /// <summary>What was passed over, such as ".txt" or images that links lead to again, and how often.</summary>
    public IReadOnlyList<(string What, int Count)> LeftOut { get; }

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

    private static void Match(string folder, IReadOnlyList<string> wanted, string[] found)
    {
        string[] missing = [.. wanted.Except(found, StringComparer.Ordinal)],
            extra = [.. found.Except(wanted, StringComparer.Ordinal)];
        if (missing.Length > 0)
            throw new ImageException(
                folder,
                $"lacks {Some(missing)} of the {wanted.Count} class "
                    + $"folders{(extra.Length > 0 ? $", and has {Some(extra)} beside them" : "")}; it must "
                    + "have the folders that the classes were numbered by, named to the letter as they were."
            );
        if (extra.Length > 0)
            throw new ImageException(
                folder,
                $"has {Some(extra)} beside the {wanted.Count} known classes; "
                    + $"move {(extra.Length == 1 ? "it" : "them")} away or train on the classes it has."
            );
    }

    private static string Some(string[] names) =>
        names.Length <= 3
            ? string.Join(", ", names)
            : $"{string.Join(", ", names.Take(3))} and {names.Length - 3} more";
}
