using PatchKit.Data.Images;

namespace PatchKit.Data.Coco;

/// <summary>
/// The objects of a set of images, as COCO's instances_*.json have them. Annotations of unknown images or categories
/// count for nothing; what else is odd, <see cref="CocoRule"/> decides.
/// </summary>
public sealed class CocoInstances
{
    private readonly Dictionary<long, CocoImage> _images = [];
    private readonly Dictionary<long, List<CocoAnnotation>> _byImage = [];
    private readonly CocoAnnotation[] _given;

    /// <summary>A set from its parts.</summary>
    /// <param name="images">The images.</param>
    /// <param name="annotations">The objects.</param>
    /// <param name="categories">The categories.</param>
    /// <param name="name">What messages call the set.</param>
    /// <param name="rule">What becomes of what pycocotools loses.</param>
    /// <exception cref="ImageException">Two images or categories that differ have one id, and the rule is not
    /// pycocotools'.</exception>
    public CocoInstances(
        IEnumerable<CocoImage> images,
        IEnumerable<CocoAnnotation> annotations,
        IEnumerable<CocoCategory> categories,
        string name = "the set",
        CocoRule rule = CocoRule.Exact
    )
    {
        (Name, Rule) = (name, rule);
        foreach (var image in images)
        {
            if (rule == CocoRule.Exact && _images.TryGetValue(image.Id, out var other) && other != image)
                throw new ImageException(
                    name,
                    $"has two images of id {image.Id}, {other.FileName} ({other.Width} x {other.Height}) "
                        + $"and {image.FileName} ({image.Width} x {image.Height}), so that nobody knows whose "
                        + "objects are whose; give each an id of its own."
                );
            _images[image.Id] = image;
        }
        var byId = new Dictionary<long, CocoCategory>();
        foreach (var category in categories)
        {
            if (rule == CocoRule.Exact && byId.TryGetValue(category.Id, out var other) && other != category)
                throw new ImageException(
                    name,
                    $"has two categories of id {category.Id}, \"{other.Name}\" and \"{category.Name}\", so "
                        + "that nobody knows which one an object is of; give each an id of its own."
                );
            byId[category.Id] = category;
        }
        Images = [.. _images.Values.OrderBy(image => image.Id)];
        Categories = [.. byId.Values.OrderBy(category => category.Id)];

        _given = [.. annotations];
        var last = new Dictionary<long, CocoAnnotation>(_given.Length);
        foreach (var annotation in _given)
            last[annotation.Id] = annotation;
        Repeated = _given.Length - last.Count;
        HasIdZero = Array.Exists(_given, annotation => annotation.Id == 0 && !annotation.IsCrowd);
        // One that is listed twice is one object.
        var counts =
            rule == CocoRule.Exact && Repeated > 0
                ? _given.DistinctBy(annotation => annotation with { Segmentation = null })
                : _given;
        foreach (var place in counts.Where(Known).GroupBy(annotation => annotation.ImageId).OrderBy(group => group.Key))
        foreach (var annotation in place)
        {
            // pycocotools has the last one with an id in the place of each.
            var counted = rule == CocoRule.Pycocotools ? last[annotation.Id] : annotation;
            if (!Known(counted))
                continue;
            if (!_byImage.TryGetValue(counted.ImageId, out var list))
                _byImage[counted.ImageId] = list = [];
            list.Add(counted);
        }

        bool Known(CocoAnnotation annotation) =>
            _images.ContainsKey(annotation.ImageId) && byId.ContainsKey(annotation.CategoryId);
    }

    /// <summary>What messages call the set.</summary>
    public string Name { get; }

    /// <summary>The images, in the order of their ids.</summary>
    public IReadOnlyList<CocoImage> Images { get; }

    /// <summary>The categories, in the order of their ids: a model's class is a place in this list.</summary>
    public IReadOnlyList<CocoCategory> Categories { get; }

    /// <summary>What becomes of what pycocotools loses.</summary>
    public CocoRule Rule { get; }

    /// <summary>How many annotations have the id of another one.</summary>
    public int Repeated { get; }

    /// <summary>Whether an object has the id 0.</summary>
    public bool HasIdZero { get; }

    /// <summary>The same set as pycocotools takes it.</summary>
    public CocoInstances AsPycocotools() =>
        Rule == CocoRule.Pycocotools ? this : new(Images, _given, Categories, Name, CocoRule.Pycocotools);

    /// <summary>Reads a file.</summary>
    /// <param name="path">Such as annotations/instances_val2017.json.</param>
    /// <param name="rule">What becomes of what pycocotools loses.</param>
    /// <exception cref="ImageException">The file is missing, cut short, or no set of instances; the message says
    /// where.</exception>
    public static CocoInstances Load(string path, CocoRule rule = CocoRule.Exact)
    {
        if (!File.Exists(path))
            throw new ImageException(path, "does not exist; name a file such as annotations/instances_val2017.json.");
        using var file = File.OpenRead(path);
        return Read(file, path, rule);
    }

    /// <summary>Reads the text of a file.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="rule">What becomes of what pycocotools loses.</param>
    /// <exception cref="ImageException">The text is cut short, or no set of instances; the message says
    /// where.</exception>
    public static CocoInstances Read(Stream json, string name, CocoRule rule = CocoRule.Exact)
    {
        var file = CocoJson.Read<Contents>(json, name, "an object with images, annotations and categories");
        return new CocoInstances(file.Images ?? [], file.Annotations ?? [], file.Categories ?? [], name, rule);
    }

    /// <summary>The set of some of its images, with their objects and all categories.</summary>
    public CocoInstances Of(IReadOnlySet<long> images) =>
        new(
            Images.Where(image => images.Contains(image.Id)),
            Images.Where(image => images.Contains(image.Id)).SelectMany(image => Of(image.Id)),
            Categories,
            Name,
            Rule
        );

    /// <summary>Writes a file, with masks as compressed runs or polygons.</summary>
    /// <param name="path">The file; it is replaced in one step.</param>
    public void Save(string path)
    {
        string partial = path + ".partial";
        using (var file = File.Create(partial))
            CocoJson.Write(
                file,
                new Contents
                {
                    Images = [.. Images],
                    Annotations = [.. Images.SelectMany(image => Of(image.Id))],
                    Categories = [.. Categories],
                }
            );
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Whether an image is in the set.</summary>
    public bool Has(long imageId) => _images.ContainsKey(imageId);

    /// <summary>An image.</summary>
    /// <exception cref="ArgumentException">There is none of this id.</exception>
    public CocoImage Image(long imageId) =>
        _images.TryGetValue(imageId, out var image)
            ? image
            : throw new ArgumentException(
                $"{Name} has no image {imageId}; it "
                    + $"has {Images.Count}{(Images.Count > 0 ? $", from {Images[0].Id} to {Images[^1].Id}" : "")}."
            );

    /// <summary>The objects and crowds in an image, in the file's order.</summary>
    public IReadOnlyList<CocoAnnotation> Of(long imageId) => _byImage.TryGetValue(imageId, out var list) ? list : [];

    /// <summary>An annotation's mask as runs.</summary>
    /// <exception cref="ImageException">It has no mask, a damaged one, or one of another size than its
    /// image's.</exception>
    public Rle Mask(CocoAnnotation annotation)
    {
        var image = Image(annotation.ImageId);
        CheckMask(annotation);
        try
        {
            return (
                annotation.Segmentation
                ?? throw new ArgumentException("it has no mask; score boxes, or use a file with segmentations.")
            ).ToRle(image.Height, image.Width);
        }
        catch (ArgumentException e)
        {
            throw new ImageException(
                Name,
                $"has an annotation {annotation.Id} of image {annotation.ImageId} that cannot be drawn: {e.Message}",
                e
            );
        }
    }

    /// <summary>
    /// Whether an annotation's runs are of its image's size: of a set that pycocotools' rule takes, or of an image
    /// without a size, nobody asks.
    /// </summary>
    /// <exception cref="ImageException">They are not.</exception>
    internal void CheckMask(CocoAnnotation annotation)
    {
        var image = Image(annotation.ImageId);
        if (
            Rule == CocoRule.Pycocotools
            || image.Width == 0
            || image.Height == 0
            || annotation.Segmentation?.RunsSize is not { } size
            || size == (image.Height, image.Width)
        )
            return;
        string swapped = size == (image.Width, image.Height) ? " A mask's size is [height, width], in this order." : "";
        throw new ImageException(
            Name,
            $"has a mask of {size.Width} x {size.Height} pixels in annotation {annotation.Id}, but its "
                + $"image {image.Id}, {image.FileName}, has {image.Width} x {image.Height}; the mask is of "
                + $"another image, or its size is wrong.{swapped}"
        );
    }

    private sealed class Contents
    {
        public CocoImage[]? Images { get; init; }

        public CocoAnnotation[]? Annotations { get; init; }

        public CocoCategory[]? Categories { get; init; }
    }
}
