using System.Globalization;
using System.Text.Json;
using PatchKit.Data.Images;
using PatchKit.Display.Pictures;
using PatchKit.Models.Segmentation;
using PatchKit.Torch;
using PatchKit.Training;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>`patchkit predict --task segmentation`: the class of each pixel of images, as overlays in files.</summary>
internal static class SegmentImages
{
    private static readonly JsonSerializerOptions Json = new(RunConfig.Json)
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>
    /// Writes an overlay for each image, and names the classes in it; an image that cannot be read is a sentence, and
    /// the others go on.
    /// </summary>
    /// <param name="store">where runs are.</param>
    /// <param name="key">the run whose model is used, or its key's beginning; the newest finished segmentation if
    /// null.</param>
    /// <param name="images">files.</param>
    /// <param name="folder">where overlays are written.</param>
    /// <param name="device">where the model runs.</param>
    /// <param name="json">print the result as JSON.</param>
    /// <exception cref="ArgumentException">There is no such run, or it is of another task.</exception>
    internal static int Predict(RunStore store, string? key, string[] images, string folder, Device device, bool json)
    {
        var run = key is not null
            ? store.Get(key)
            : store
                .List()
                .FirstOrDefault(one => one.Config.Task is SegmentationTask && one.Status == RunStatus.Finished)
                ?? throw new ArgumentException(
                    $"there is no finished segmentation in {store.Folder}; `patchkit run table2` trains "
                        + "some, or name another folder of runs with --runs."
                );
        if (run.Config.Task is not SegmentationTask task)
            throw new ArgumentException(
                $"run {run.Key} is {run.Config}, which segments nothing; name a segmentation (`patchkit "
                    + "runs` lists them)."
            );
        using var model = SegmentationTask.Load(store, run.Config);
        model.to(device).eval();
        Console.Error.WriteLine($"{run.Key}: {run.Config}; {run.Result?.Headline ?? "not finished"}.");
        string[] files = DrawingNames.Files(images, folder, "segmentation");
        Directory.CreateDirectory(folder);
        var found = new List<Overlay>();
        foreach (var (path, file) in images.Zip(files))
        {
            var overlay = Draw(model, task, run.Config.Data, path, file, device);
            found.Add(overlay);
            if (overlay.Error is { } error)
                Console.Error.WriteLine(error);
            else if (!json)
            {
                var shares = overlay.Classes!.Select(share =>
                    string.Create(CultureInfo.InvariantCulture, $"{100 * share.Value, 9:0.0} %  {share.Key}")
                );
                Console.WriteLine($"{path} -> {overlay.File}\n{string.Join('\n', shares)}");
            }
        }
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(found, Json));
        return found.Any(overlay => overlay.Error is not null) ? 1 : 0;
    }

    private static Overlay Draw(
        Segmenter model,
        SegmentationTask task,
        DataConfig data,
        string path,
        string file,
        Device device
    )
    {
        Image image;
        try
        {
            image = ImageCodec.Read(path, DecodeOptions.Default);
        }
        catch (ImageException e)
        {
            return new Overlay(path, null, null, e.Message);
        }
        using (image)
        using (NewDisposeScope())
        using (no_grad())
        {
            var labels = Classes(model, task, data, image, device); // (H, W)
            var names = data.ClassNames;
            RunFile.Put(file, () => File.WriteAllBytes(file, Picture.Of(image).Segmentation(labels, names).ToPng()));
            var counts = labels.flatten().bincount(null, minlength: names.Count).data<long>().ToArray();
            return new Overlay(
                path,
                file,
                counts
                    .Index()
                    .Where(entry => entry.Item > 0)
                    .OrderByDescending(entry => entry.Item)
                    .ToDictionary(entry => names[entry.Index], entry => (double)entry.Item / labels.numel()),
                null
            );
        }
    }

    private static Tensor Classes(Segmenter model, SegmentationTask task, DataConfig data, Image image, Device device)
    {
        int shorter = data is SegmentationDataConfig real ? real.ShorterSide : 0;
        double factor = shorter > 0 ? (double)shorter / Math.Min(image.Width, image.Height) : 1;
        using var resized =
            factor == 1
                ? image.Clone()
                : image.Resize(
                    (int)Math.Round(image.Width * factor),
                    (int)Math.Round(image.Height * factor),
                    ResizeFilter.Bilinear
                );
        var planes = new float[3 * resized.Width * resized.Height];
        data.Normalization.Apply(resized, planes);
        var batch = tensor(planes, [1, 3, resized.Height, resized.Width]).to(device);
        var scores = task.Window?.Score(model.call, batch) ?? model.call(batch); // (1, K, h, w)
        NonFiniteScoresException.Refuse(scores);
        if (factor != 1)
            scores = nn.functional.interpolate(
                scores,
                [image.Height, image.Width],
                mode: InterpolationMode.Bilinear,
                align_corners: false
            );
        return scores.argmax(1).squeeze(0).cpu();
    }

    /// <summary>
    /// What became of an image: its overlay's file and the share of each class in it, the largest first; or the
    /// sentence that says why it cannot be read.
    /// </summary>
    private sealed record Overlay(
        string Image,
        string? File,
        IReadOnlyDictionary<string, double>? Classes,
        string? Error
    );
}
