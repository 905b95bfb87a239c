using PatchKit.Data.Images;

namespace PatchKit.Data.Sets;

/// <summary>
/// CIFAR-10 and CIFAR-100 in their binary layout (Krizhevsky 2009): per image one label byte (CIFAR-100: coarse, then
/// fine), then 3,072 bytes, channel-major 32x32 RGB. A file that ends in .xz is unpacked by the program xz as it is
/// read.
/// </summary>
public sealed class Cifar : IImageSource
{
    /// <summary>The side of an image in pixels.</summary>
    public const int Side = 32;

    private const int PixelBytes = 3 * Side * Side;

    private static readonly string[] Ten =
    [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ];

    private readonly byte[] _records;
    private readonly int _head;
    private readonly string _name;

    /// <summary>Reads files, one after the other.</summary>
    /// <param name="paths">.bin or .bin.xz files.</param>
    /// <param name="fine">whether the files are CIFAR-100's, of which the fine label of 100 classes is used.</param>
    /// <param name="classes">the names of the classes; CIFAR-10's, or numbers for CIFAR-100, where null.</param>
    /// <exception cref="ImageException">A file is missing, cut short, or has a label out of range; or xz is
    /// missing.</exception>
    public Cifar(IReadOnlyList<string> paths, bool fine = false, IReadOnlyList<string>? classes = null)
    {
        if (paths.Count == 0)
            throw new ArgumentException("no CIFAR file was named; name at least one .bin or .bin.xz file.");
        _head = fine ? 2 : 1;
        _name = paths.Count == 1 ? paths[0] : $"{Path.GetDirectoryName(paths[0])}/{(fine ? "cifar-100" : "cifar-10")}";
        Classes = classes ?? (fine ? [.. Enumerable.Range(0, 100).Select(i => $"class {i}")] : Ten);
        byte[][] files =
        [
            .. paths.Select(path => Check(path, XzFile.ReadAllBytes(path), _head + PixelBytes, Classes.Count)),
        ];
        _records = files.Length == 1 ? files[0] : new byte[files.Sum(file => file.Length)];
        int end = 0;
        for (int i = 0; files.Length > 1 && i < files.Length; end += files[i++].Length)
            files[i].CopyTo(_records, end);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    public int Count => _records.Length / (_head + PixelBytes);

    /// <inheritdoc/>
    public int Label(int index) => _records[Start(index) + _head - 1];

    /// <inheritdoc/>
    public string Name(int index) => $"{_name}[{index}]";

    /// <summary>The pixels of an image, (3, 32, 32).</summary>
    public ReadOnlySpan<byte> Planes(int index) => _records.AsSpan(Start(index) + _head, PixelBytes);

    /// <inheritdoc/>
    public Image Read(int index) => Image.FromPlanes(Side, Side, Planes(index));

    /// <summary>Whether a folder holds a CIFAR set that <see cref="Open"/> finds.</summary>
    public static bool IsIn(string folder) =>
        Directory.Exists(folder)
        && Find(folder, DataSplit.Training) is not null
        && Find(folder, DataSplit.Test) is not null;

    /// <summary>
    /// The training or test part of the set in a folder: data_batch_1..5.bin and test_batch.bin (CIFAR-10), train.bin
    /// and test.bin (CIFAR-100), or subsets cifar10_train_*.bin and cifar10_test_*.bin; each may be packed as .xz.
    /// </summary>
    /// <param name="folder">the folder.</param>
    /// <param name="split">training or test; Validation is the test part, of which CIFAR has no other.</param>
    /// <exception cref="ImageException">The folder holds none of these.</exception>
    public static Cifar Open(string folder, DataSplit split)
    {
        var (paths, fine) =
            Find(folder, split)
            ?? throw new ImageException(
                folder,
                "has no CIFAR files for this part; data_batch_1.bin .. test_batch.bin (CIFAR-10), train.bin "
                    + "and test.bin (CIFAR-100), or cifar10_train_*.bin and cifar10_test_*.bin, packed as .xz "
                    + "or not, are looked for."
            );
        string names = Path.Combine(folder, "fine_label_names.txt");
        return new Cifar(
            paths,
            fine,
            fine && File.Exists(names) ? [.. File.ReadLines(names).Where(line => line.Length > 0).Take(100)] : null
        );
    }

    private static (string[] Paths, bool Fine)? Find(string folder, DataSplit split)
    {
        bool training = split == DataSplit.Training;
        if (!Directory.Exists(folder))
            return null;
        string[] batches = Files(training ? "data_batch_*" : "test_batch");
        if (batches.Length > 0)
            return (batches, false);
        string[] whole = Files(training ? "train" : "test");
        if (whole.Length > 0)
            return (whole, true);
        string[] subset = Files(training ? "cifar10_train_*" : "cifar10_test_*");
        return subset.Length > 0 ? (subset, false) : null;

        // A file that is there both ways counts once, unpacked.
        string[] Files(string stem) =>
            [
                .. Directory
                    .EnumerateFiles(folder, stem + ".bin")
                    .Concat(Directory.EnumerateFiles(folder, stem + ".bin.xz"))
                    .GroupBy(path => path.EndsWith(".xz", StringComparison.Ordinal) ? path[..^3] : path)
                    .Select(both => both.Order(StringComparer.Ordinal).First())
                    .Order(StringComparer.Ordinal),
            ];
    }

    private int Start(int index) =>
        (uint)index < (uint)Count
            ? index * (_head + PixelBytes)
            : throw new ArgumentOutOfRangeException(
                nameof(index),
                $"image {index} is not in {_name}, which has {Count}."
            );

    private static byte[] Check(string path, byte[] bytes, int record, int classes)
    {
        if (bytes.Length == 0 || bytes.Length % record != 0)
            throw new ImageException(
                path,
                $"has {bytes.Length:N0} bytes unpacked, which is no whole number of CIFAR records "
                    + $"of {record:N0}; it is cut short or of another layout, so fetch it again."
            );
        for (int at = record - PixelBytes - 1; at < bytes.Length; at += record)
        {
            if (bytes[at] >= classes)
                throw new ImageException(
                    path,
                    $"has the label {bytes[at]} at image {at / record}, but there are {classes} classes "
                        + $"(0..{classes - 1}); it is damaged or of another layout."
                );
        }
        return bytes;
    }
}
