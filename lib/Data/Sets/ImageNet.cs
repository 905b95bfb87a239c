using PatchKit.Data.Images;

namespace PatchKit.Data.Sets;

/// <summary>
/// ImageNet-1k (ILSVRC 2012) as a folder with train/ and val/, each with 1,000 class folders n01440764 .. n15075141.
/// </summary>
public static class ImageNet
{
    /// <summary>The number of classes.</summary>
    public const int ClassCount = 1000;

    /// <summary>
    /// The part of the set in a folder: ROOT/train, ROOT/val, or ROOT itself where it holds the class folders.
    /// </summary>
    /// <param name="root">the folder.</param>
    /// <param name="split">training or validation; the test labels were never published, so Test is the validation set
    /// too.</param>
    /// <param name="complete">false allows fewer than 1,000 classes, as in ImageNet-100 or a test's folder.</param>
    /// <param name="options">how files are decoded: upright where null, <see cref="DecodeOptions.Official"/> as the
    /// code that released weights were scored with.</param>
    /// <exception cref="ImageException">The folder or a class folder is missing.</exception>
    public static ImageFolder Open(string root, DataSplit split, bool complete = true, DecodeOptions? options = null)
    {
        string name = split == DataSplit.Training ? "train" : "val";
        string folder = Directory.Exists(Path.Combine(root, name)) ? Path.Combine(root, name) : root;
        var set = new ImageFolder(folder, options: options);
        if (complete && set.Classes.Count != ClassCount)
        {
            string hint =
                name == "val" && set.Classes.Count < 3
                    ? " The official validation archive is flat: sort it into class folders first (data-scripts/)."
                    : "";
            throw new ImageException(
                folder,
                $"has {set.Classes.Count} class folders, but ImageNet-1k has {ClassCount:N0} (n01440764 to "
                    + $"n15075141); unpack the missing ones.{hint}"
            );
        }
        return set;
    }
}
