using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Data.Segmentation;
using PatchKit.Data.Sets;

namespace PatchKit.Cli;

/// <summary>A set in ADE20K's or COCO's layout, as `patchkit data info` and `verify` look at it.</summary>
internal sealed class DenseSet
{
    private const int SizesLookedAt = 500;

    private readonly string _title;
    private readonly IReadOnlyList<string> _classes,
        _columns;
    private readonly IReadOnlyList<Part> _parts;

    private DenseSet(
        string title,
        IReadOnlyList<string> classes,
        IReadOnlyList<string> columns,
        IReadOnlyList<Part> parts
    ) => (_title, _classes, _columns, _parts) = (title, classes, columns, parts);

    /// <summary>The set in a folder; null where it has neither layout.</summary>
    /// <exception cref="ImageException">It has one, but is not whole or damaged.</exception>
    internal static DenseSet? Find(string folder) =>
        SegmentationFolder.IsIn(folder) ? Segmentation(folder)
        : HasInstances(folder) ? Coco(folder)
        : null;

    /// <summary>Prints kind, classes, counts and sizes.</summary>
    internal int Print()
    {
        Tables.Print(
            _title,
            ["part", "images", .. _columns, "width x height in pixels"],
            _parts.Select(part => (IReadOnlyList<string>)[part.Name, $"{part.Count:N0}", .. part.Cells, Sizes(part)])
        );
        Console.WriteLine(
            $"{_classes.Count:N0} classes: {string.Join(", ", _classes.Take(10))}{(_classes.Count > 10 ? ", ..." : "")}"
        );
        return 0;
    }

    /// <summary>
    /// Reads every image with its label map or its objects' masks, on all cores; what is wrong is listed, and gives 1.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    internal int Verify(CancellationToken cancellation)
    {
        int total = _parts.Sum(part => part.Count),
            done = 0;
        var bad = new BadSamples(BadSample.Skip);
        ImageProgress.Show(
            total,
            tell =>
            {
                foreach (var part in _parts)
                    Parallel.For(
                        0,
                        part.Count,
                        new ParallelOptions
                        {
                            CancellationToken = cancellation,
                            MaxDegreeOfParallelism = Environment.ProcessorCount,
                        },
                        i =>
                        {
                            try
                            {
                                part.Read(i);
                            }
                            catch (ImageException e)
                            {
                                bad.Report(e);
                            }
                            int now = Interlocked.Increment(ref done);
                            lock (bad)
                                tell(now);
                        }
                    );
                return 0;
            }
        );
        foreach (var (path, reason) in bad.Reasons)
            Console.WriteLine($"{path} {reason}");
        string files = bad.Count == 1 ? "file is" : "files are",
            found = bad.Count == 0 ? "all can be read with what is said of them" : $"{bad.Count:N0} {files} bad";
        Console.WriteLine($"{_title}: {total:N0} images, {found}.");
        return bad.Count == 0 ? 0 : 1;
    }

    private static DenseSet Segmentation(string folder)
    {
        SegmentationFolder[] parts =
        [
            SegmentationFolder.Open(folder, DataSplit.Training),
            SegmentationFolder.Open(folder, DataSplit.Validation),
        ];
        return new DenseSet(
            $"{folder}: images with the class of each pixel, in ADE20K's layout",
            parts[0].Classes,
            ["label maps"],
            [
                .. parts.Select(part => new Part(
                    part.Split == DataSplit.Training ? "training" : "validation",
                    part.Count,
                    [$"{Enumerable.Range(0, part.Count).Count(i => File.Exists(part.MaskFile(i))):N0}"],
                    part.Size,
                    i => part.Read(i).Image.Dispose()
                )),
            ]
        );
    }

    private static DenseSet Coco(string folder)
    {
        var parts = new[]
        {
            (Name: "training", Set: CocoDataset.Open(folder, DataSplit.Training, withObjects: false)),
            (Name: "validation", Set: CocoDataset.Open(folder, DataSplit.Validation, withObjects: false)),
        };
        return new DenseSet(
            $"{folder}: images with objects, in COCO's format",
            parts[0].Set.Classes,
            ["objects", "crowds", "images without"],
            [
                .. parts.Select(part =>
                {
                    var annotations = part
                        .Set.Instances.Images.SelectMany(image => part.Set.Instances.Of(image.Id))
                        .ToList();
                    string[] cells =
                    [
                        $"{annotations.Count(one => !one.IsCrowd):N0}",
                        $"{annotations.Count(one => one.IsCrowd):N0}",
                        $"{part.Set.Instances.Images.Count(image => part.Set.Instances.Of(image.Id).Count == 0):N0}",
                    ];
                    return new Part(
                        part.Name,
                        part.Set.Count,
                        cells,
                        i => (part.Set.Image(i).Width, part.Set.Image(i).Height),
                        i => part.Set.Read(i).Dispose()
                    );
                }),
            ]
        );
    }

    // As CocoDataset looks for them.
    private static bool HasInstances(string folder) =>
        Directory.Exists(folder)
        && new[] { Path.Combine(folder, "annotations"), folder }
            .Where(Directory.Exists)
            .Any(place => Directory.EnumerateFiles(place, "instances_*.json").Any());

    private static string Sizes(Part part)
    {
        int looked = Math.Min(part.Count, SizesLookedAt);
        List<(int Width, int Height)> sizes = [];
        for (int i = 0; i < looked; i++)
        {
            try
            {
                sizes.Add(part.Size((int)((long)i * part.Count / looked)));
            }
            catch (ImageException)
            {
                // `verify` says which.
            }
        }
        if (sizes.Count == 0)
            return $"none of {looked} can be read; `patchkit data verify` says why";
        int[] widths = [.. sizes.Select(size => size.Width).Order()],
            heights = [.. sizes.Select(size => size.Height).Order()];
        return $"{DataCommand.Range(widths[0], widths[^1])} "
            + $"x {DataCommand.Range(heights[0], heights[^1])}{(looked < part.Count ? $" ({looked} looked at)" : "")}";
    }

    /// <summary>Training or validation images.</summary>
    private sealed record Part(
        string Name,
        int Count,
        IReadOnlyList<string> Cells,
        Func<int, (int Width, int Height)> Size,
        Action<int> Read
    );
}
