using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Display.Pictures;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Tables;
using PatchKit.Metrics;
using PatchKit.Models.Detection;
using PatchKit.Training;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>
/// `patchkit predict --task detection`: the objects in images, as drawings and as a result file in COCO's format.
/// </summary>
internal static class DetectImages
{
    /// <summary>The file of all that was found, whatever its score.</summary>
    internal const string ResultFile = "detections.json";

    private static readonly JsonSerializerOptions Json = new(RunConfig.Json)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>
    /// Writes a drawing for each image and one result file; an image that cannot be read is a sentence, and the others
    /// go on.
    /// </summary>
    /// <param name="store">where runs are.</param>
    /// <param name="key">the run whose detector is used, or its key's beginning; the newest finished detection if
    /// null.</param>
    /// <param name="images">files. One whose name is a number, as COCO's are, has that id; others have their place in
    /// the list, from 1, or the next number that is free.</param>
    /// <param name="folder">where files are written.</param>
    /// <param name="leastScore">of what is drawn.</param>
    /// <param name="device">where the detector runs.</param>
    /// <param name="json">print the result as JSON.</param>
    /// <exception cref="ArgumentException">There is no such run, or it is of another task.</exception>
    internal static int Predict(
        RunStore store,
        string? key,
        string[] images,
        string folder,
        double leastScore,
        Device device,
        bool json
    )
    {
        var run = key is not null
            ? store.Get(key)
            : store
                .List()
                .FirstOrDefault(one => DetectionGrid.IsDetection(one.Config) && one.Status == RunStatus.Finished)
                ?? throw new ArgumentException(
                    $"there is no finished detection in {store.Folder}; `patchkit run table3` trains some, "
                        + "or name another folder of runs with --runs."
                );
        using var detector = DetectionTask.Load(store, run.Config);
        detector.to(device);
        Console.Error.WriteLine($"{run.Key}: {run.Config}; {run.Result?.Headline ?? "not finished"}.");
        string[] files = DrawingNames.Files(images, folder, "detection");
        long[] ids = DrawingNames.Ids(images);
        Directory.CreateDirectory(folder);
        List<Drawing> drawings = [];
        List<CocoDetection> found = [];
        foreach (var (place, path) in images.Index())
        {
            var drawing = Draw(detector, run.Config.Data, path, ids[place], files[place], leastScore, found);
            drawings.Add(drawing);
            if (drawing.Error is { } error)
                Console.Error.WriteLine(error);
            else if (!json)
                Console.WriteLine(
                    $"{path} -> {drawing.File}, "
                        + $"image {drawing.ImageId}\n{string.Join('\n', drawing.Objects!.Select(one => $"  {one}"))}"
                );
        }
        string results = Path.Combine(folder, ResultFile);
        RunFile.Put(results, () => CocoResults.Save(results, found));
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(drawings, Json));
        else
            Console.WriteLine($"{found.Count:N0} detections of any score are in {results}");
        return drawings.Any(drawing => drawing.Error is not null) ? 1 : 0;
    }

    private static Drawing Draw(
        CascadeMaskRcnn detector,
        DataConfig data,
        string path,
        long id,
        string file,
        double leastScore,
        List<CocoDetection> all
    )
    {
        Image image;
        try
        {
            image = ImageCodec.Read(path, DecodeOptions.Default);
        }
        catch (ImageException e)
        {
            return new Drawing(path, id, null, null, e.Message);
        }
        using (image)
        using (NewDisposeScope())
        {
            var found = Found(detector, data, image);
            all.AddRange(
                DetectionFile.Of(
                    found,
                    id,
                    image.Height,
                    image.Width,
                    (data as CocoDataConfig)?.Categories.Select(category => category.Id).ToList()
                )
            );
            var picture = DetectionPictures.Found(Picture.Of(image), found, data.ClassNames, leastScore);
            RunFile.Put(file, () => File.WriteAllBytes(file, picture.BoxesPainted().ToPng()));
            return new Drawing(
                path,
                id,
                file,
                [
                    .. picture.Boxes.Select(box =>
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{box.Label} at {box.Left:0} {box.Top:0} {box.Right:0} {box.Bottom:0}"
                        )
                    ),
                ],
                null
            );
        }
    }

    // Resized as in training, padded to whole patches, and what is found scaled back.
    private static Detections Found(CascadeMaskRcnn detector, DataConfig data, Image image)
    {
        var real = data as CocoDataConfig;
        var (height, width) = real is null
            ? (image.Height, image.Width)
            : new ShortSideResize(real.Short, real.Longest).Of(image.Height, image.Width);
        using var resized = image.Resize(width, height, ResizeFilter.Bilinear);
        var planes = new float[3 * height * width];
        data.Normalization.Apply(resized, planes);
        int multiple = real?.Multiple ?? detector.Backbone.Config.PatchSize;
        var batch = nn
            .functional.pad(tensor(planes, [1, 3, height, width]), (0, Rest(width), 0, Rest(height)))
            .to(detector.parameters().First().device);
        return detector
            .Detect(batch, [(height, width)])[0]
            .Scaled((double)image.Width / width, (double)image.Height / height);

        int Rest(int length) => (multiple - length % multiple) % multiple;
    }

    /// <summary>
    /// What became of an image: its drawing's file and what is drawn in it; or the sentence that says why it cannot be
    /// read.
    /// </summary>
    private sealed record Drawing(
        string Image,
        long ImageId,
        string? File,
        IReadOnlyList<string>? Objects,
        string? Error
    );
}
