using System.Text.RegularExpressions;
using PatchKit.Data.Images;
using PatchKit.Data.Packed;

namespace PatchKit.Data.Sets;

/// <summary>
/// Opens a folder of labelled images, whatever kind it is. Looked for in this order: CIFAR-10 or CIFAR-100 in binary
/// files, also in cifar-10-batches-bin/ or cifar-100-binary/ below; ImageNet, train/ and val/ with class folders such
/// as n01440764; any images in train/ or training/ and val/, validation/ or test/ with a folder per class; the same two
/// with a packed set each (<see cref="PackedSet"/>).
/// </summary>
public static partial class DataFolder
{
    private static readonly string[] CifarFolders = ["", "cifar-10-batches-bin", "cifar-100-binary"];
    private static readonly string[] TrainingFolders = ["train", "training"],
        TestFolders = ["val", "validation", "test"];

    private static readonly string Known =
        "CIFAR binary files (data-scripts/fetch-cifar10.sh), train/ and val/ with a folder of images per "
        + "class, or train/ and val/ made by `patchkit data pack`";

    /// <summary>Opens a set.</summary>
    /// <param name="path">the folder.</param>
    /// <exception cref="ArgumentException">The folder does not exist or holds no set, or its two parts have different
    /// classes.</exception>
    /// <exception cref="ImageException">The set is damaged: a file is missing, cut short or cannot be
    /// unpacked.</exception>
    public static OpenedData Open(string path)
    {
        if (File.Exists(path))
            throw new ArgumentException(
                $"{path} is a file, but a data set is a folder; name the folder that it is in."
            );
        if (!Directory.Exists(path))
            throw new ArgumentException($"{path} does not exist; name a folder with {Known}.");
        if (CifarIn(path) is { } cifar)
            return OpenCifar(cifar);

        string training = Part(path, "training", TrainingFolders),
            test = Part(path, "test", TestFolders);
        if (IsPacked(training) && IsPacked(test))
            return OpenPacked(training, test);
        if (ClassFolders(training).Any())
            return OpenImages(path, training, test);
        throw new ArgumentException(
            $"{training} holds {Entries(training)}, which are neither folders of images by class nor a "
                + $"packed set; {Known} are expected."
        );
    }

    /// <summary>The folder, it or one below, that holds CIFAR's two parts; null where there is none.</summary>
    internal static string? CifarIn(string path) =>
        CifarFolders.Select(below => Path.Combine(path, below)).FirstOrDefault(Cifar.IsIn);

    private static OpenedData OpenCifar(string folder)
    {
        var (training, test) = (Cifar.Open(folder, DataSplit.Training), Cifar.Open(folder, DataSplit.Test));
        SameClasses(folder, training, test);
        string name = training.Classes.Count == 10 ? "CIFAR-10" : "CIFAR-100";
        bool whole = (training.Count, test.Count) == (50_000, 10_000);
        return new OpenedData(
            whole ? name : $"a part of {name}",
            training,
            test,
            Cifar.Side,
            () => Hash(training, test)
        );

        static string Hash(params Cifar[] parts)
        {
            using var content = new ContentHash();
            foreach (var part in parts)
            {
                content.Add($"{part.Count} {part.Classes.Count}");
                for (int i = 0; i < part.Count; i++)
                    content.Add(part.Label(i), part.Planes(i));
            }
            return content.Digits();
        }
    }

    private static OpenedData OpenImages(string path, string training, string test)
    {
        bool imageNet =
            Path.GetFileName(training) == "train"
            && Path.GetFileName(test) == "val"
            && ClassFolders(training).All(name => Synset().IsMatch(name));
        if (!ClassFolders(test).Any())
            throw new ArgumentException(
                $"{test} holds {Entries(test)}, but the images of each class must be in a folder of its "
                    + $"own, as they are in {training}"
                    + (imageNet ? "; data-scripts/imagenet.sh sorts them." : ".")
            );
        var (learned, tested) = imageNet
            ? (
                ImageNet.Open(path, DataSplit.Training, complete: false),
                ImageNet.Open(path, DataSplit.Validation, complete: false)
            )
            : (new ImageFolder(training), new ImageFolder(test));
        SameClasses(path, learned, tested);
        int classes = learned.Classes.Count;
        string name =
            !imageNet ? $"an image folder of {classes:N0} classes"
            : classes == ImageNet.ClassCount ? "ImageNet-1k"
            : $"{classes:N0} classes of ImageNet";
        return new OpenedData(name, learned, tested, 0, () => Hash(learned, tested));

        static string Hash(params ImageFolder[] parts)
        {
            using var content = new ContentHash();
            foreach (var part in parts)
            {
                content.Add($"{part.Count} {string.Join('/', part.Classes)}");
                content.AddFiles(part.Folder, [.. Enumerable.Range(0, part.Count).Select(part.Name)]);
            }
            return content.Digits();
        }
    }

    private static OpenedData OpenPacked(string training, string test)
    {
        PackedSet? learned = null,
            tested = null;
        try
        {
            learned = new PackedSet(training);
            tested = new PackedSet(test);
            SameClasses(Path.GetDirectoryName(training)!, learned, tested);
            return new OpenedData(
                $"a packed set of {learned.Classes.Count:N0} classes",
                learned,
                tested,
                learned.Size == tested.Size ? learned.Size : 0,
                () => Hash(training, test)
            );
        }
        catch
        {
            learned?.Dispose();
            tested?.Dispose();
            throw;
        }

        // The index says what is in the shards, which is held against them: one that was edited is not the set that a
        // run was made of.
        static string Hash(params string[] folders)
        {
            using var content = new ContentHash();
            foreach (string folder in folders)
            {
                var index = PackedIndex.Load(Path.Combine(folder, PackedIndex.FileName));
                content.Add($"{index.Count} {index.Size} {string.Join('/', index.Classes)} {index.LabelsSha256}");
                string[] shards = [.. index.Shards.Select(shard => Path.Combine(folder, shard.File))];
                foreach (var (shard, path, hash) in index.Shards.Zip(shards, FileHashes.Of(folder, shards)))
                {
                    if (hash != shard.Sha256)
                        throw new ImageException(
                            path,
                            "differs from its checksum in index.json; it was edited or is damaged, so pack "
                                + "the set again."
                        );
                    content.Add(shard.Sha256);
                }
            }
            return content.Digits();
        }
    }

    private static string Part(string path, string part, string[] names) =>
        names.Select(name => Path.Combine(path, name)).FirstOrDefault(Directory.Exists)
        ?? throw new ArgumentException(
            $"{path} holds {Entries(path)} and no folder of {part} images "
                + $"({string.Join(", ", names.Select(name => name + "/"))}); {Known} are expected."
        );

    private static bool IsPacked(string folder) => File.Exists(Path.Combine(folder, PackedIndex.FileName));

    private static IEnumerable<string> ClassFolders(string folder) =>
        Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path)!).Where(name => name[0] != '.');

    // "a/, b/, notes.txt and 4 more", or "nothing".
    private static string Entries(string folder)
    {
        string[] entries =
        [
            .. Directory
                .EnumerateFileSystemEntries(folder)
                .Order(StringComparer.Ordinal)
                .Select(path => Path.GetFileName(path) + (Directory.Exists(path) ? "/" : "")),
        ];
        return entries.Length == 0 ? "nothing"
            : entries.Length <= 4 ? string.Join(", ", entries)
            : $"{string.Join(", ", entries.Take(3))} and {entries.Length - 3:N0} more";
    }

    private static void SameClasses(string path, IImageSource training, IImageSource test)
    {
        var (learned, tested) = (training.Classes, test.Classes);
        if (learned.SequenceEqual(tested, StringComparer.Ordinal))
            return;
        string difference =
            learned.Except(tested).FirstOrDefault() is { } missing
                ? $"the class {missing} has training images, but no test images"
            : tested.Except(learned).FirstOrDefault() is { } extra
                ? $"the class {extra} has test images, but no training images"
            : $"the class {learned.Zip(tested).First(pair => pair.First != pair.Second).First} has another "
                + "number in the test set than in the training set";
        throw new ArgumentException(
            $"{path}: {difference}; both parts must have the same classes ({learned.Count:N0} "
                + $"and {tested.Count:N0} were found)."
        );
    }

    [GeneratedRegex("^n[0-9]{8}$")]
    private static partial Regex Synset();
}
