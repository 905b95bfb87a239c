using System.Diagnostics;
using PatchKit.Data.Augment;
using PatchKit.Data.Coco;
using PatchKit.Metrics.Coco;

namespace PatchKit.Bench;

/// <summary>
/// `patchkit bench coco-ap`: COCO's twelve numbers for a made-up set as large as val2017 with as many detections as
/// count, from the two JSON files on disk, beside pycocotools where a python3 has it. Both must find the same numbers.
/// </summary>
/// <param name="Images">Images in the set.</param>
/// <param name="PerImage">Detections in each image.</param>
/// <param name="Categories">Categories.</param>
/// <param name="Peer">Whether pycocotools is measured too; it takes minutes.</param>
internal sealed record CocoBench(int Images, int PerImage, int Categories, bool Peer)
{
    private const int ObjectsPerImage = 7,
        Width = 640,
        Height = 480;
    private const double Promise = 30;
    private static readonly string[] Sides = ["bbox", "segm"];

    internal BenchResult Run()
    {
        if (Images < 1 || PerImage < 1 || Categories < 1)
            throw new ArgumentException(
                $"{Images} images with {PerImage} detections of {Categories} categories leave nothing to "
                    + "evaluate; use at least 1 of each."
            );
        string scratch = Directory.CreateTempSubdirectory("patchkit-bench-").FullName;
        try
        {
            Write(scratch);
            using var python = Peer ? PythonPeer.Start("coco_peer.py") : null;
            if (Peer && python is null)
                Console.WriteLine(
                    "No python3 here can import pycocotools (pip install pycocotools): ours is measured alone."
                );
            Console.WriteLine(
                $"{Images:N0} images, {Images * ObjectsPerImage:N0} objects of {Categories} "
                    + $"categories, {Images * PerImage:N0} detections; {Environment.ProcessorCount} cores."
            );
            var (rows, figures) = (new List<Measurement>(), new List<Figure>());
            foreach (string side in Sides)
            {
                var (reading, evaluating, stats) = Ours(scratch, side);
                double? limit = side == "bbox" ? Promise : null;
                figures.Add(new Figure($"{side}: reading both files", reading, "s"));
                figures.Add(
                    new Figure($"{side}: evaluation, {Environment.ProcessorCount} cores", evaluating, "s", limit)
                );
                if (python is null)
                    continue;
                double seconds = python.Ask($"time {side} {scratch}");
                for (int i = 0; i < stats.Count; i++)
                    MustAgree(side, i, stats[i], python.Ask($"stat {i} {scratch}"));
                rows.Add(
                    Measurement.Once(
                        $"{side}: reading and evaluation",
                        $"pycocotools {python.Version}",
                        "s",
                        reading + evaluating,
                        seconds
                    )
                );
            }
            return new BenchResult(rows, figures);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private static (double Reading, double Evaluating, IReadOnlyList<double> Stats) Ours(string folder, string side)
    {
        var watch = Stopwatch.StartNew();
        var truth = CocoInstances.Load(Path.Combine(folder, "truth.json"), CocoRule.Pycocotools);
        var found = CocoResults.Load(Path.Combine(folder, $"{side}.json"));
        double reading = watch.Elapsed.TotalSeconds;
        watch.Restart();
        var scores = CocoEvaluation.Run(truth, found, side == "bbox" ? CocoKind.Box : CocoKind.Mask);
        return (reading, watch.Elapsed.TotalSeconds, scores.Stats);
    }

    /// <summary>
    /// Ellipses of all sizes, one in twenty a crowd; a detection is one of them moved a little, or one of nothing.
    /// </summary>
    private void Write(string folder)
    {
        var random = new SampleRandom(0, 0, 0);
        var (annotations, boxes, masks) = (
            new List<CocoAnnotation>(),
            new List<CocoDetection>(),
            new List<CocoDetection>()
        );
        CocoImage[] images =
        [
            .. Enumerable
                .Range(1, Images)
                .Select(id => new CocoImage
                {
                    Id = id,
                    Width = Width,
                    Height = Height,
                    FileName = $"{id:D12}.jpg",
                }),
        ];
        foreach (var image in images)
        {
            var shapes = new (Ellipse Shape, int Category)[ObjectsPerImage];
            for (int i = 0; i < shapes.Length; i++)
            {
                shapes[i] = (Ellipse.Draw(ref random), 1 + random.Below(Categories));
                var mask = shapes[i].Shape.Mask();
                annotations.Add(
                    new CocoAnnotation
                    {
                        Id = annotations.Count + 1,
                        ImageId = image.Id,
                        CategoryId = shapes[i].Category,
                        IsCrowd = random.Chance(.05),
                        Area = mask.Area,
                        Box = mask.Box,
                        Segmentation = mask,
                    }
                );
            }
            for (int i = 0; i < PerImage; i++)
            {
                bool hit = random.Chance(.3);
                var (shape, category) = hit
                    ? shapes[random.Below(shapes.Length)]
                    : (Ellipse.Draw(ref random), 1 + random.Below(Categories));
                if (hit)
                    shape = shape.Moved(ref random);
                double score = Math.Round(hit ? Math.Sqrt(random.Uniform()) : random.Uniform(), 3);
                boxes.Add(
                    new CocoDetection
                    {
                        ImageId = image.Id,
                        CategoryId = category,
                        Score = score,
                        Box = shape.Box,
                    }
                );
                masks.Add(
                    new CocoDetection
                    {
                        ImageId = image.Id,
                        CategoryId = category,
                        Score = score,
                        Segmentation = shape.Mask(),
                    }
                );
            }
        }
        var categories = Enumerable
            .Range(1, Categories)
            .Select(id => new CocoCategory { Id = id, Name = $"category {id}" });
        new CocoInstances(images, annotations, categories).Save(Path.Combine(folder, "truth.json"));
        CocoResults.Save(Path.Combine(folder, "bbox.json"), boxes);
        CocoResults.Save(Path.Combine(folder, "segm.json"), masks);
    }

    private static void MustAgree(string side, int i, double ours, double theirs)
    {
        if (!(Math.Abs(ours - theirs) <= 1e-12))
            throw new InvalidOperationException(
                $"number {i} of {side} is {ours:R}, and {theirs:R} by pycocotools; they should be equal, so "
                    + "their times say nothing."
            );
    }

    private readonly record struct Ellipse(double X, double Y, double RadiusX, double RadiusY)
    {
        internal CocoBox Box =>
            new(
                Math.Round(X - RadiusX, 2),
                Math.Round(Y - RadiusY, 2),
                Math.Round(2 * RadiusX, 2),
                Math.Round(2 * RadiusY, 2)
            );

        internal static Ellipse Draw(ref SampleRandom random)
        {
            double size = 6 * Math.Pow(25, random.Uniform()); // 6 to 150 pixels
            return new Ellipse(
                random.Uniform(0, Width),
                random.Uniform(0, Height),
                size * random.Uniform(.6, 1),
                size * random.Uniform(.6, 1)
            );
        }

        internal Ellipse Moved(ref SampleRandom random) =>
            new(
                X + random.Normal(0, .1 * RadiusX),
                Y + random.Normal(0, .1 * RadiusY),
                RadiusX * Math.Exp(random.Normal(0, .1)),
                RadiusY * Math.Exp(random.Normal(0, .1))
            );

        internal Rle Mask()
        {
            const int corners = 16;
            Span<double> polygon = stackalloc double[2 * corners];
            for (int i = 0; i < corners; i++)
            {
                var (sine, cosine) = Math.SinCos(2 * Math.PI * i / corners);
                (polygon[2 * i], polygon[2 * i + 1]) = (
                    Math.Clamp(X + RadiusX * cosine, 0, Width),
                    Math.Clamp(Y + RadiusY * sine, 0, Height)
                );
            }
            return Rle.FromPolygon(Height, Width, polygon);
        }
    }
}
