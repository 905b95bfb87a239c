using PatchKit.Data.Images;
using PatchKit.Data.Sets;

namespace PatchKit.Data.Coco;

/// <summary>
/// Images with boxes and masks from COCO's files: annotations/instances_train2017.json beside train2017/ and the same
/// of val2017, or, as CamVid has them, instances_training.json beside images/training/ and the same of validation. Any
/// thread may read.
/// </summary>
public sealed class CocoDataset
{
    private static readonly string[] TrainingNames = ["train2017", "training", "train"],
        TestNames = ["val2017", "validation", "val", "test"];

    private readonly FileTree _files;
    private readonly string _json,
        _folder;
    private readonly CocoImage[] _images;
    private readonly Dictionary<long, int> _classes;

    private CocoDataset(
        FileTree files,
        CocoInstances instances,
        string json,
        string folder,
        bool withObjects,
        IReadOnlyList<CocoCategory> learnt
    )
    {
        (_files, Instances, _json, _folder) = (files, instances, json, folder);
        var used = instances
            .Images.SelectMany(image => instances.Of(image.Id))
            .Select(annotation => annotation.CategoryId)
            .ToHashSet();
        _classes = CocoClasses.Match(instances.Categories, learnt, used.Contains, instances.Name);
        Classes = [.. learnt.Select(category => category.Name)];
        var ids = _classes.ToDictionary(entry => entry.Value, entry => entry.Key);
        long unused = Math.Min(0, instances.Categories.Select(category => category.Id).DefaultIfEmpty().Min()) - 1;
        CategoryIds =
        [
            .. Enumerable
                .Range(0, learnt.Count)
                .Select(place => ids.TryGetValue(place, out long id) ? id : unused - place),
        ];
        foreach (var image in instances.Images)
            if (image.Width < 1 || image.Height < 1 || image.FileName.Length == 0)
                throw new ImageException(
                    instances.Name,
                    $"gives image {image.Id} a size of {image.Width} x {image.Height} and the file "
                        + $"\"{image.FileName}\"; a set to train or test on needs both."
                );
        _images =
        [
            .. instances.Images.Where(image =>
                !withObjects || instances.Of(image.Id).Any(annotation => Edges(annotation, image) is not null)
            ),
        ];
        if (_images.Length == 0)
            throw new ImageException(
                instances.Name,
                $"has {instances.Images.Count} images and none with an object to learn from; look at its annotations."
            );
    }

    /// <summary>Opens a part of a set.</summary>
    /// <param name="path">The folder, or a .tar, .tar.gz or .tar.xz archive of one, which is read into memory.</param>
    /// <param name="split">Which part; validation and test are the same.</param>
    /// <param name="withObjects">Whether images without an object that is no crowd are left out, as is usual in
    /// training; in training only where null.</param>
    /// <param name="learnt">The categories that a model learnt, in the order of its classes, which those of this part
    /// are known by, by name; its own where null.</param>
    /// <exception cref="ImageException">There is no such set, or it is damaged; or it has objects of categories that
    /// were not learnt. The message says which file.</exception>
    public static CocoDataset Open(
        string path,
        DataSplit split,
        bool? withObjects = null,
        IReadOnlyList<CocoCategory>? learnt = null
    )
    {
        var files = new FileTree(path);
        string[] parts = split == DataSplit.Training ? TrainingNames : TestNames;
        foreach (string part in parts)
        foreach (string below in new[] { "annotations/", "" })
        {
            string json = $"{below}instances_{part}.json";
            if (!files.Has(json))
                continue;
            using var text = new MemoryStream(files.Read(json));
            var instances = CocoInstances.Read(text, files.Full(json));
            string folder =
                instances.Images is [{ } first, ..] && files.Has($"images/{part}/{first.FileName}")
                    ? $"images/{part}"
                    : part;
            return new CocoDataset(
                files,
                instances,
                json,
                folder,
                withObjects ?? split == DataSplit.Training,
                learnt ?? instances.Categories
            );
        }
        throw new ImageException(
            path,
            $"has no annotations/instances_{parts[0]}.json and no instances_{parts[1]}.json; name a folder "
                + $"as data-scripts/coco.sh makes it, with images in {parts[0]}/ or images/{parts[1]}/."
        );
    }

    /// <summary>How many images there are.</summary>
    public int Count => _images.Length;

    /// <summary>
    /// The names of the classes, by number: the categories in the order of their ids, those of the file that is learnt
    /// from.
    /// </summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>All images, objects and crowds of the file: what predictions are scored with.</summary>
    public CocoInstances Instances { get; }

    /// <summary>
    /// This file's category of each class, for result files; a number that no category has where it lacks one.
    /// </summary>
    public IReadOnlyList<long> CategoryIds { get; }

    /// <summary>Whether an object has a mask; where none has, boxes alone are learnt and scored.</summary>
    public bool HasMasks =>
        Instances.Images.Any(image => Instances.Of(image.Id).Any(annotation => annotation.Segmentation is not null));

    /// <summary>Whether there is an object to be found.</summary>
    public bool HasObjects =>
        Instances.Images.Any(image => Instances.Of(image.Id).Any(annotation => !annotation.IsCrowd));

    /// <summary>What the file says of an image.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1, in the order of ids.</param>
    public CocoImage Image(int index) => _images[index];

    /// <summary>What messages call an image.</summary>
    public string Name(int index) => _files.Full($"{_folder}/{_images[index].FileName}");

    /// <summary>
    /// An image with its objects. Crowds, boxes outside the image and those of less than a pixel are left out, as
    /// mmdetection leaves them out; the rest are cut off at its edges.
    /// </summary>
    /// <exception cref="ImageException">Its file or a mask cannot be read, or the file has another size.</exception>
    public DetectionSample Read(int index)
    {
        var image = _images[index];
        byte[] file = _files.Read($"{_folder}/{image.FileName}");
        var way =
            AnnotatedImage.Way(file, Name(index), image.Width, image.Height)
            ?? throw new ImageException(
                Name(index),
                $"has {AnnotatedImage.Sizes(file, Name(index))}, but {Instances.Name} says {image.Width} "
                    + $"x {image.Height}; the two do not belong together."
            );
        var pixels = ImageCodec.Decode(file, Name(index), way);
        try
        {
            var objects = new List<SampleObject>();
            foreach (var annotation in Instances.Of(image.Id))
                if (Edges(annotation, image) is { } box)
                    objects.Add(
                        new SampleObject(
                            _classes[annotation.CategoryId],
                            box.Left,
                            box.Top,
                            box.Right,
                            box.Bottom,
                            (
                                annotation.Segmentation is null
                                    ? Rle.FromBox(image.Height, image.Width, annotation.Box)
                                    : Instances.Mask(annotation)
                            ).Decode(),
                            HasMask: annotation.Segmentation is not null
                        )
                    );
            return new DetectionSample(image.Id, pixels, objects);
        }
        catch
        {
            pixels.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Looks at the sizes of all masks, which takes no time, so that a wrong one is said before anything is trained.
    /// </summary>
    /// <exception cref="ImageException">A mask is of another size than its image's.</exception>
    public void CheckMasks()
    {
        foreach (var image in _images)
        foreach (var annotation in Instances.Of(image.Id))
            Instances.CheckMask(annotation);
    }

    /// <summary>Adds the file, with all polygons and runs, and the bytes of the images.</summary>
    internal void AddTo(ContentHash hash)
    {
        string[] names = [_json, .. _images.Select(image => $"{_folder}/{image.FileName}")];
        if (!_files.IsArchive)
            hash.AddFiles(_files.Path, [.. names.Select(_files.Full)]);
        else
            foreach (string name in names)
                hash.Add($"{name} {(_files.Has(name) ? Digest(_files.Read(name)) : "missing")}");

        static string Digest(byte[] bytes) =>
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
    }

    // The box inside the image; null for what is not learnt.
    private static (float Left, float Top, float Right, float Bottom)? Edges(CocoAnnotation annotation, CocoImage image)
    {
        var box = annotation.Box;
        if (annotation.IsCrowd || annotation.Area <= 0 || box.Width < 1 || box.Height < 1)
            return null;
        double left = Math.Max(0, box.X),
            top = Math.Max(0, box.Y),
            right = Math.Min(image.Width, box.Right),
            bottom = Math.Min(image.Height, box.Bottom);
        return right > left && bottom > top ? ((float)left, (float)top, (float)right, (float)bottom) : null;
    }
}
