using System.Globalization;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;

namespace PatchKit.Data.Segmentation;

/// <summary>
/// Images with the class of each pixel, in ADE20K's layout: images/{training,validation}/NAME.jpg,
/// annotations/{training,validation}/NAME.png and objectInfo150.txt (or objectInfo.txt), which names the classes. A
/// pair is read when it is needed; one that does not go together is a sentence with the file's name.
/// </summary>
public sealed class SegmentationFolder
{
    private readonly string[] _names;

    private SegmentationFolder(string folder, DataSplit split, IReadOnlyList<string> classes, string[] names) =>
        (Folder, Split, Classes, _names) = (folder, split, classes, names);

    /// <summary>The folder that holds images/ and annotations/.</summary>
    public string Folder { get; }

    /// <summary>Which part.</summary>
    public DataSplit Split { get; }

    /// <summary>The names of the classes, by number.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>How many images there are.</summary>
    public int Count => _names.Length;

    /// <summary>Whether a folder has this layout.</summary>
    public static bool IsIn(string folder) =>
        Directory.Exists(Path.Combine(Inner(folder), "images", "training"))
        && Directory.Exists(Path.Combine(Inner(folder), "annotations"));

    /// <summary>Lists a part of a set; no image is read yet.</summary>
    /// <param name="folder">the folder, or the one above ADEChallengeData2016.</param>
    /// <param name="split">training or validation; the test part is the validation part, as in the paper.</param>
    /// <exception cref="ImageException">A folder is missing or holds no image, or the classes are not
    /// named.</exception>
    public static SegmentationFolder Open(string folder, DataSplit split)
    {
        folder = Inner(folder);
        if (!Directory.Exists(folder))
            throw new ImageException(
                folder,
                "does not exist; name a folder with images/, annotations/ and objectInfo150.txt "
                    + "(data-scripts/ade20k.sh says how to get ADE20K)."
            );
        string part = split == DataSplit.Training ? "training" : "validation",
            images = Path.Combine(folder, "images", part),
            masks = Path.Combine(folder, "annotations", part);
        foreach (string needed in new[] { images, masks })
            if (!Directory.Exists(needed))
                throw new ImageException(
                    needed,
                    "does not exist; ADE20K's layout has images/training, images/validation and "
                        + "annotations/ with the same two."
                );
        string[] names =
        [
            .. Directory
                .EnumerateFiles(images)
                .Select(path => Path.GetFileName(path)!)
                .Where(name => name[0] != '.' && ImageCodec.IsImage(name))
                .Order(StringComparer.Ordinal),
        ];
        if (names.Length == 0)
            throw new ImageException(images, $"has no image ({string.Join(", ", ImageCodec.Endings)}).");
        if (
            names
                .GroupBy(Path.GetFileNameWithoutExtension, StringComparer.Ordinal)
                .FirstOrDefault(group => group.Count() > 1) is
            { } twins
        )
            throw new ImageException(
                images,
                $"has {string.Join(" and ", twins)}, which go with one annotation, {twins.Key}.png; rename "
                    + "or remove one."
            );
        return new SegmentationFolder(folder, split, ClassNames(folder), names);
    }

    /// <summary>The file of an image.</summary>
    public string ImageFile(int index) => Path.Combine(Folder, "images", Part, _names[index]);

    /// <summary>The file of its annotation.</summary>
    public string MaskFile(int index) =>
        Path.Combine(Folder, "annotations", Part, Path.ChangeExtension(_names[index], ".png"));

    /// <summary>
    /// An image with the class of each of its pixels; dispose the image when it has been used. Both are turned upright,
    /// or the image is left as it is stored where its annotation was drawn on it that way. Any thread may read.
    /// </summary>
    /// <exception cref="ImageException">A file is missing, damaged or of another kind, or the two are of different
    /// sizes.</exception>
    public (Image Image, LabelMap Labels) Read(int index)
    {
        var labels = LabelMap.Read(MaskFile(index), Classes.Count);
        string path = ImageFile(index);
        byte[] file = ImageCodec.Bytes(path);
        return AnnotatedImage.Way(file, path, labels.Width, labels.Height) is { } way
            ? (ImageCodec.Decode(file, path, way), labels)
            : throw new ImageException(
                MaskFile(index),
                $"has {labels.Width} x {labels.Height} pixels, but its image {path} "
                    + $"has {AnnotatedImage.Sizes(file, path)}; one of them is of another picture or was resized."
            );
    }

    /// <summary>The width and height that an image and its annotation are read in, from their headers.</summary>
    /// <exception cref="ImageException">A file is missing or damaged.</exception>
    public (int Width, int Height) Size(int index) =>
        ImageCodec.Size(ImageCodec.Bytes(MaskFile(index)), MaskFile(index));

    /// <summary>
    /// Whether a pixel of any annotation has a class. One that does is looked for, so that of an ordinary set a file or
    /// two are read.
    /// </summary>
    public bool HasLabels()
    {
        int unreadable = 0;
        bool found = Enumerable
            .Range(0, Count)
            .AsParallel()
            .Any(i =>
            {
                try
                {
                    return Array.Exists(
                        LabelMap.Read(MaskFile(i), Classes.Count).Classes,
                        label => label != LabelMap.Ignored
                    );
                }
                catch (ImageException)
                {
                    Interlocked.Increment(ref unreadable); // said when it is read to learn from it
                    return false;
                }
            });
        return found || unreadable > 0;
    }

    /// <summary>
    /// 16 hexadecimal digits that tell one content from another, by the classes' names and the names and bytes of all
    /// images and annotations.
    /// </summary>
    public string Fingerprint()
    {
        using var hash = new ContentHash();
        hash.Add(string.Join('/', Classes));
        hash.AddFiles(Folder, [.. Enumerable.Range(0, Count).SelectMany(i => new[] { ImageFile(i), MaskFile(i) })]);
        return hash.Digits();
    }

    private string Part => Split == DataSplit.Training ? "training" : "validation";

    private static string Inner(string folder) =>
        Path.Combine(folder, "ADEChallengeData2016") is var inner && Directory.Exists(inner) ? inner : folder;

    // ADE20K's list has a heading and columns parted by tabs, the number first and the name last; a plain list has "1
    // sky".
    private static string[] ClassNames(string folder)
    {
        string[] files = Directory.GetFiles(folder, "objectInfo*.txt");
        if (files.Length != 1)
            throw new ImageException(
                folder,
                $"has {(files.Length == 0 ? "no" : $"{files.Length}")} objectInfo*.txt, which names the "
                    + $"classes; {(files.Length == 0 ? "write one with a line \"1 sky\" for each class" : "keep one")}."
            );
        var names = new SortedDictionary<int, string>();
        foreach (
            string line in File.ReadLines(files[0])
                .Select(line => line.Trim())
                .Where(line => line.Length > 0 && char.IsAsciiDigit(line[0]))
        )
        {
            string[] parts = line.Contains('\t')
                ? line.Split('\t', StringSplitOptions.TrimEntries)
                : line.Split(' ', 2, StringSplitOptions.TrimEntries);
            if (
                parts.Length < 2
                || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                || !names.TryAdd(number, parts[^1])
            )
                throw new ImageException(
                    files[0],
                    $"has the line \"{line}\", which is not a number of its own and a name; write lines "
                        + "such as \"1 sky\"."
                );
        }
        if (names.Count is 0 or > 254 || names.Keys.First() != 1 || names.Keys.Last() != names.Count)
            throw new ImageException(
                files[0],
                $"numbers {names.Count} classes"
                    + $"{(names.Count == 0 ? "" : $" from {names.Keys.First()} to {names.Keys.Last()}")}; "
                    + "number 1 to 254 of them from 1, without gaps."
            );
        return [.. names.Values];
    }
}
