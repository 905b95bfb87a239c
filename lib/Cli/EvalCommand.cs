using System.CommandLine;
using System.Text.Json;
using PatchKit.Data.Loading;
using PatchKit.Data.Sets;
using PatchKit.Metrics;

namespace PatchKit.Cli;

/// <summary>`patchkit eval`: loss and accuracy of a checkpoint on labelled images.</summary>
internal static class EvalCommand
{
    private const int TokensAtOnce = 1 << 18,
        MostAtOnce = 128;

    internal static Command Create()
    {
        var command = new Command("eval", "Score a checkpoint on labelled images: top-1, top-5, loss.");
        var model = new ModelOptions(command);
        var data = new Option<string>("--data")
        {
            Description =
                "ImageNet's val folder, any folder with a folder of images per class, a CIFAR file, or a packed set",
            Required = true,
        };
        var batchSize = new Option<int?>("--batch-size")
        {
            Description = $"images at once (default: as many as make {TokensAtOnce:N0} tokens, at most {MostAtOnce})",
        };
        var onBadSample = new Option<string>("--on-bad-sample")
        {
            Description = "what happens at an image that cannot be read",
            DefaultValueFactory = _ => "stop",
        };
        var limit = new Option<int?>("--limit")
        {
            Description = "score only so many images, evenly spaced over the set",
        };
        var json = new Option<bool>("--json") { Description = "print the result as JSON" };
        onBadSample.AcceptOnlyFromAmong("stop", "skip");
        foreach (var option in new Option[] { data, batchSize, onBadSample, limit, json })
            command.Add(option);
        command.SetAction(parsed =>
        {
            using var loaded = model.Load(parsed);
            var bad = new BadSamples(parsed.GetValue(onBadSample) == "skip" ? BadSample.Skip : BadSample.Stop);
            int atOnce =
                parsed.GetValue(batchSize) ?? Math.Clamp(TokensAtOnce / loaded.Model.Config.Tokens, 1, MostAtOnce);
            return Evaluate(loaded, parsed.GetValue(data)!, atOnce, bad, parsed.GetValue(limit), parsed.GetValue(json));
        });
        return command;
    }

    private static int Evaluate(LoadedModel loaded, string data, int batchSize, BadSamples bad, int? limit, bool json)
    {
        if (batchSize < 1)
            throw new ArgumentException($"--batch-size {batchSize} scores no image; use 1 or more.");
        if (limit < 1)
            throw new ArgumentException($"--limit {limit} leaves no image; use 1 or more.");
        using var stop = new CtrlC();
        var set = LabelledImages.Open(
            data,
            loaded.Model.Config.Classes,
            loaded.Classes,
            loaded.Checkpoint,
            loaded.Decoding
        );
        using var mapped = set as IDisposable;
        int total = Math.Min(limit ?? set.Count, set.Count);
        Console.Error.WriteLine(
            $"{loaded}; {total:N0} of {set.Count:N0} images of {set.Classes.Count:N0} classes from {data}."
        );
        var options = new ImageLoaderOptions
        {
            BatchSize = batchSize,
            Order = _ => [.. Enumerable.Range(0, total).Select(i => (int)((long)i * set.Count / total))],
        };
        var loader = new ImageLoader(set, loaded.Transform, options, bad);
        var result = ImageProgress.Show(
            total,
            progress =>
                Evaluation.Classification(
                    loaded.Model,
                    loader.Epoch(0, cancellation: stop.Token),
                    loaded.Device,
                    loaded.Autocast,
                    progress,
                    stop.Token
                )
        );
        Console.WriteLine(json ? AsJson(loaded, data, result, bad.Count) : Text(result));
        if (bad.Count > 0)
            Console.Error.WriteLine($"note: {bad}");
        return 0;
    }

    private static string Text(EvaluationResult result) =>
        $"""
            top-1  {result.Top1, 9:P2}
            top-5  {result.Top5, 9:P2}
            loss   {result.Loss, 7:F4}
            {result.Images:N0} images in {result.Seconds:F1} s, {ImageProgress.Rate(result.ImagesPerSecond)}
            """;

    private static string AsJson(LoadedModel loaded, string data, EvaluationResult result, int skipped)
    {
        var config = loaded.Model.Config;
        return JsonSerializer.Serialize(
            new
            {
                model = loaded.Name,
                checkpoint = loaded.Checkpoint,
                data,
                input = config.Height,
                patch = config.PatchSize,
                classes = config.Classes,
                device = $"{loaded.Device}",
                bf16 = loaded.Autocast is not null,
                cropRatio = loaded.CropRatio,
                orientation = loaded.Decoding.Upright ? "upright" : "as-stored",
                images = result.Images,
                skipped,
                top1 = result.Top1,
                top5 = result.Top5,
                loss = result.Loss,
                seconds = result.Seconds,
                imagesPerSecond = result.ImagesPerSecond,
            },
            CommandJson.Indented
        );
    }
}
