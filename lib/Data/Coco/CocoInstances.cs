namespace PatchKit.Data;

/// <summary>
/// The objects of a set of images, as COCO's instances_*.json have them. What is odd is read as pycocotools reads it: of two images, categories or
/// annotations with one id the last one counts (for both annotations), and annotations of unknown images or categories count for nothing.
/// </summary>
public sealed class CocoInstances
{
    private readonly Dictionary<long, CocoImage> _images = [];
    private readonly Dictionary<long, List<CocoAnnotation>> _byImage = [];

    /// <summary>A set from its parts.</summary>
    /// <param name="images">The images.</param>
    /// <param name="annotations">The objects.</param>
    /// <param name="categories">The categories.</param>
    /// <param name="name">What messages call the set.</param>
    public CocoInstances(IEnumerable<CocoImage> images, IEnumerable<CocoAnnotation> annotations, IEnumerable<CocoCategory> categories, string name = "the set")
    {
        Name = name;
        foreach (var image in images) _images[image.Id] = image;
        var byId = new Dictionary<long, CocoCategory>();
        foreach (var category in categories) byId[category.Id] = category;
        Images = [.. _images.Values.OrderBy(image => image.Id)];
        Categories = [.. byId.Values.OrderBy(category => category.Id)];

        CocoAnnotation[] given = [.. annotations];
        var last = new Dictionary<long, CocoAnnotation>(given.Length);
        foreach (var annotation in given) last[annotation.Id] = annotation;
        Repeated = given.Length - last.Count;
        // An annotation counts where its own image and category are known, in the place of the last one with its id.
        foreach (var place in given.Where(annotation => byId.ContainsKey(annotation.CategoryId)).GroupBy(annotation => annotation.ImageId).Where(group => _images.ContainsKey(group.Key)).OrderBy(group => group.Key))
            foreach (var annotation in place)
            {
                var counted = last[annotation.Id];
                if (!_images.ContainsKey(counted.ImageId) || !byId.ContainsKey(counted.CategoryId)) continue;
                if (!_byImage.TryGetValue(counted.ImageId, out var list)) _byImage[counted.ImageId] = list = [];
                list.Add(counted);
            }
    }

    /// <summary>What messages call the set.</summary>
    public string Name { get; }

    /// <summary>The images, in the order of their ids.</summary>
    public IReadOnlyList<CocoImage> Images { get; }

    /// <summary>The categories, in the order of their ids: a model's class is a place in this list.</summary>
    public IReadOnlyList<CocoCategory> Categories { get; }

    /// <summary>How many annotations have the id of another one.</summary>
    public int Repeated { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Such as annotations/instances_val2017.json.</param>
    /// <exception cref="ImageException">The file is missing, cut short, or no set of instances; the message says where.</exception>
    public static CocoInstances Load(string path)
    {
        if (!File.Exists(path)) throw new ImageException(path, "does not exist; name a file such as annotations/instances_val2017.json.");
        using var file = File.OpenRead(path);
        return Read(file, path);
    }

    /// <summary>Reads the text of a file.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="ImageException">The text is cut short, or no set of instances; the message says where.</exception>
    public static CocoInstances Read(Stream json, string name)
    {
        var file = CocoJson.Read<Contents>(json, name, "an object with images, annotations and categories");
        return new CocoInstances(file.Images ?? [], file.Annotations ?? [], file.Categories ?? [], name);
    }

    /// <summary>The set of some of its images, with their objects and all categories.</summary>
    public CocoInstances Of(IReadOnlySet<long> images) => new(Images.Where(image => images.Contains(image.Id)), Images.Where(image => images.Contains(image.Id)).SelectMany(image => Of(image.Id)), Categories, Name);

    /// <summary>Writes a file, with masks as compressed runs or polygons.</summary>
    /// <param name="path">The file; it is replaced in one step.</param>
    public void Save(string path)
    {
        string partial = path + ".partial";
        using (var file = File.Create(partial)) CocoJson.Write(file, new Contents { Images = [.. Images], Annotations = [.. Images.SelectMany(image => Of(image.Id))], Categories = [.. Categories] });
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Whether an image is in the set.</summary>
    public bool Has(long imageId) => _images.ContainsKey(imageId);

    /// <summary>An image.</summary>
    /// <exception cref="ArgumentException">There is none of this id.</exception>
    public CocoImage Image(long imageId) => _images.TryGetValue(imageId, out var image) ? image
        : throw new ArgumentException($"{Name} has no image {imageId}; it has {Images.Count}{(Images.Count > 0 ? $", from {Images[0].Id} to {Images[^1].Id}" : "")}.");

    /// <summary>The objects and crowds in an image, in the file's order.</summary>
    public IReadOnlyList<CocoAnnotation> Of(long imageId) => _byImage.TryGetValue(imageId, out var list) ? list : [];

    /// <summary>An annotation's mask as runs.</summary>
    /// <exception cref="ImageException">It has no mask, or a damaged one.</exception>
    public Rle Mask(CocoAnnotation annotation)
    {
        var image = Image(annotation.ImageId);
        try
        {
            return (annotation.Segmentation ?? throw new ArgumentException("it has no mask; evaluate boxes, or use a file with segmentations.")).ToRle(image.Height, image.Width);
        }
        catch (ArgumentException e)
        {
            throw new ImageException(Name, $"has an annotation {annotation.Id} of image {annotation.ImageId} that cannot be drawn: {e.Message}", e);
        }
    }

    private sealed class Contents
    {
        public CocoImage[]? Images { get; init; }

        public CocoAnnotation[]? Annotations { get; init; }

        public CocoCategory[]? Categories { get; init; }
    }
}
