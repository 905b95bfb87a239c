using PatchKit.Data;
using PatchKit.Data.Images;
using PatchKit.Data.Packed;
using PatchKit.Data.Sets;

namespace PatchKit.Cli;

/// <summary>Opens one set of labelled images, of whatever kind, for a model that scores a number of classes.</summary>
internal static class LabelledImages
{
    private static readonly string[] TestFolders = ["val", "validation", "test"],
        TrainingFolders = ["train", "training"];

    /// <summary>
    /// A CIFAR file or a folder with CIFAR's test part; a packed set; a folder with a folder of images per class. Of a
    /// folder with a part val/, validation/ or test/ that part is taken, and the classes must be those of train/ or
    /// training/ beside it. Dispose the result where it can be.
    /// </summary>
    /// <param name="path">the file or folder.</param>
    /// <param name="classes">how many classes the model scores.</param>
    /// <param name="names">the classes in the order of the scores, where they are known.</param>
    /// <param name="model">what messages call the model.</param>
    /// <param name="options">how files are decoded.</param>
    /// <exception cref="ImageException">There are no such images, or they are of other classes.</exception>
    internal static IImageSource Open(
        string path,
        int classes,
        IReadOnlyList<string>? names,
        string model,
        DecodeOptions? options = null
    )
    {
        string folder = TestFolders.Select(below => Path.Combine(path, below)).FirstOrDefault(Directory.Exists) ?? path;
        if (File.Exists(path) && !IsCifarFile(path))
            throw new ImageException(
                path,
                "is no set of labelled images but one file; name a folder with a folder of images per "
                    + "class, a packed set, or CIFAR's .bin files (`patchkit predict` names the classes of "
                    + "single images)."
            );
        var set =
            File.Exists(path) ? new Cifar([path], fine: classes == 100)
            : File.Exists(Path.Combine(folder, PackedIndex.FileName)) ? new PackedSet(folder)
            : IsCifar(folder) ? Cifar.Open(folder, DataSplit.Test)
            : DataFolder.CifarIn(path) is { } below ? Cifar.Open(below, DataSplit.Test)
            : (IImageSource)new ImageFolder(folder, names ?? TrainingClasses(folder), options);
        string? wrong =
            set.Classes.Count != classes
                ? Count(set is ImageFolder ? "class folders" : "classes", set.Classes.Count, classes, model)
            : names is not null
            && set.Classes.Zip(names).FirstOrDefault(pair => pair.First != pair.Second) is (not null, _) differ
                ? $"calls a class {differ.First} where {model} has {differ.Second}; give images of the "
                    + "classes that it was trained for, in the same order."
            : null;
        if (wrong is null)
            return set;
        (set as IDisposable)?.Dispose();
        throw new ImageException(folder, wrong);
    }

    private static string Count(string kind, int found, int wanted, string model)
    {
        int difference = Math.Abs(found - wanted);
        string sentence =
            $"has {found:N0} {kind}, but {model} scores {wanted:N0} "
            + $"classes: {difference:N0} {(difference == 1 ? "is" : "are")} "
            + $"{(found < wanted ? "missing" : "too many")};";
        return wanted == ImageNet.ClassCount && found < wanted && kind == "class folders"
            ? $"{sentence} ImageNet-1k has n01440764 to n15075141. --classes FILE with all names, or train/ "
                + "beside val/, tells which; unpack them."
            : $"{sentence} give the images that the model was trained for.";
    }

    private static bool IsCifar(string folder) =>
        Directory.Exists(folder) && Directory.EnumerateFiles(folder).Any(IsCifarFile);

    private static bool IsCifarFile(string file) =>
        file.EndsWith(".bin", StringComparison.Ordinal) || file.EndsWith(".bin.xz", StringComparison.Ordinal);

    private static string[]? TrainingClasses(string folder)
    {
        string full = Path.GetFullPath(Path.TrimEndingDirectorySeparator(folder));
        if (!TestFolders.Contains(Path.GetFileName(full)))
            return null;
        string? training = TrainingFolders
            .Select(name => Path.Combine(full, "..", name))
            .FirstOrDefault(Directory.Exists);
        string[] found = training is null
            ? []
            :
            [
                .. Directory
                    .EnumerateDirectories(training)
                    .Select(path => Path.GetFileName(path)!)
                    .Where(name => name[0] != '.')
                    .Order(StringComparer.Ordinal),
            ];
        return found.Length > 0 ? found : null;
    }
}
