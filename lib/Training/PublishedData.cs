using PatchKit.Data.Coco;

namespace PatchKit.Training;

/// <summary>
/// The paper's data sets by their published sizes alone: for counting what runs on them cost where no file of them is
/// at hand. Such a run cannot be opened, and its key is not that of a run on the files.
/// </summary>
public static class PublishedData
{
    /// <summary>ImageNet-1k: 1,281,167 training images of 1,000 classes (Russakovsky et al. 2015).</summary>
    public const string ImageNet1k = "imagenet-1k";

    /// <summary>CIFAR-10: 50,000 training images of 32 x 32 pixels and 10 classes (Krizhevsky 2009).</summary>
    public const string Cifar10 = "cifar-10";

    /// <summary>CIFAR-100: the same of 100 classes.</summary>
    public const string Cifar100 = "cifar-100";

    /// <summary>ADE20K's scene parsing: 20,210 training images of 150 classes (Zhou et al. 2017).</summary>
    public const string Ade20K = "ade20k";

    /// <summary>
    /// COCO 2017: 118,287 training images of 80 categories (Lin et al. 2014); the few without an object, which training
    /// leaves out, are counted.
    /// </summary>
    public const string Coco = "coco-2017";

    private const string NoFiles = "published size, no files";

    /// <summary>The training images of ImageNet-1k.</summary>
    public const int ImageNetImages = 1_281_167;

    /// <summary>The sets' names.</summary>
    public static IReadOnlyList<string> Names { get; } = [ImageNet1k, Cifar10, Cifar100, Ade20K, Coco];

    /// <summary>Classes of whole images; null for a name that is no set's.</summary>
    /// <param name="name">one of <see cref="Names"/>.</param>
    /// <param name="size">the side that images are resized to.</param>
    /// <exception cref="ArgumentException">The set is of another kind.</exception>
    public static ImageDataConfig? Images(string name, int size) =>
        name switch
        {
            ImageNet1k => Of("ImageNet-1k", 1000, ImageNetImages, size),
            Cifar10 => Of("CIFAR-10", 10, 50_000, size),
            Cifar100 => Of("CIFAR-100", 100, 50_000, size),
            _ => None<ImageDataConfig>(name, $"classes of whole images, as {ImageNet1k} and {Cifar10} have"),
        };

    /// <summary>Classes of pixels; null for a name that is no set's.</summary>
    /// <exception cref="ArgumentException">The set is of another kind.</exception>
    public static SegmentationDataConfig? Scenes(string name) =>
        name != Ade20K
            ? None<SegmentationDataConfig>(name, $"classes of pixels, as {Ade20K} has")
            : new()
            {
                Folder = "",
                Name = "ADE20K",
                Fingerprint = NoFiles,
                Names = [.. Enumerable.Range(1, 150).Select(i => $"class {i}")],
                TrainingImages = 20_210,
                Height = 512,
                Width = 512,
            };

    /// <summary>
    /// Boxes and masks; null for a name that is no set's. All images count as wide ones, which is a step more or less
    /// in an epoch.
    /// </summary>
    /// <exception cref="ArgumentException">The set is of another kind.</exception>
    public static CocoDataConfig? Objects(string name) =>
        name != Coco
            ? None<CocoDataConfig>(name, $"boxes and masks, as {Coco} has")
            : new()
            {
                Folder = "",
                Name = "COCO 2017",
                Fingerprint = NoFiles,
                Categories =
                [
                    .. Enumerable.Range(1, 80).Select(i => new CocoCategory { Id = i, Name = $"category {i}" }),
                ],
                TrainingImages = (118_287, 0),
            };

    private static T? None<T>(string name, string wanted)
        where T : DataConfig =>
        !Names.Contains(name)
            ? null
            : throw new ArgumentException($"the runs learn {wanted}, but {name} has others; name another set.");

    private static ImageDataConfig Of(string name, int classes, int images, int size) =>
        new()
        {
            Folder = "",
            Name = name,
            Fingerprint = NoFiles,
            ClassCount = classes,
            TrainingImages = images,
            Size = size,
        };
}
