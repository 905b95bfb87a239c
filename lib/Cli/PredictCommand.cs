using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Torch;
using PatchKit.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>`patchkit predict`: the likeliest classes of images, or what a dense task finds in them.</summary>
internal static class PredictCommand
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    internal static Command Create()
    {
        var command = new Command(
            "predict",
            "Name the likeliest classes of images, or draw their segmentation or the objects in them."
        );
        var images = new Argument<string[]>("images")
        {
            Description = "image files: JPEG, PNG, WebP, BMP, GIF, TIFF",
            Arity = ArgumentArity.OneOrMore,
        };
        var model = new ModelOptions(command);
        var data = new Option<string?>("--data")
        {
            Description = "the set that the model was trained on, for the names of its classes",
        };
        var top = new Option<int>("--top") { Description = "how many classes", DefaultValueFactory = _ => 5 };
        var task = new Option<string>("--task")
        {
            Description = "classification; or segmentation or detection, by a run that the kit has trained",
            DefaultValueFactory = _ => "classification",
        };
        var run = new Option<string?>("--run")
        {
            Description =
                "segmentation, detection: the key of the run whose model is used (default: the newest of the task)",
        };
        var runs = new Option<string?>("--runs")
        {
            Description = "segmentation, detection: where runs are kept (default: runs)",
        };
        var output = new Option<string?>("--out")
        {
            Description = "segmentation, detection: where drawings are written (default: overlays, detections)",
        };
        var score = new Option<double>("--score")
        {
            Description = "detection: the least score of what is drawn; detections.json has all",
            DefaultValueFactory = _ => .5,
        };
        task.AcceptOnlyFromAmong("classification", "segmentation", "detection");
        var json = new Option<bool>("--json") { Description = "print the result as JSON" };
        command.Add(images);
        foreach (var option in new Option[] { task, run, runs, output, score, data, top, json })
            command.Add(option);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(task) != "classification")
                OutputPlace.Folder(
                    parsed.GetValue(output) ?? (parsed.GetValue(task) == "segmentation" ? "overlays" : "detections"),
                    "--out"
                );
            if (parsed.GetValue(task) == "segmentation")
                return SegmentImages.Predict(
                    new RunStore(parsed.GetValue(runs)),
                    parsed.GetValue(run),
                    parsed.GetValue(images)!,
                    parsed.GetValue(output) ?? "overlays",
                    model.Device(parsed),
                    parsed.GetValue(json)
                );
            if (parsed.GetValue(task) == "detection")
                return DetectImages.Predict(
                    new RunStore(parsed.GetValue(runs)),
                    parsed.GetValue(run),
                    parsed.GetValue(images)!,
                    parsed.GetValue(output) ?? "detections",
                    parsed.GetValue(score),
                    model.Device(parsed),
                    parsed.GetValue(json)
                );
            if (
                new Option[] { run, runs, output }.FirstOrDefault(option =>
                    parsed.GetResult(option) is { Implicit: false }
                ) is
                { } dense
            )
                throw new ArgumentException(
                    $"{dense.Name} is of --task segmentation and detection; add --task, or leave it out."
                );
            using var loaded = model.Load(parsed);
            return Predict(
                loaded,
                parsed.GetValue(images)!,
                parsed.GetValue(data),
                parsed.GetValue(top),
                parsed.GetValue(json)
            );
        });
        return command;
    }

    private static int Predict(LoadedModel loaded, string[] images, string? data, int top, bool json)
    {
        if (top < 1)
            throw new ArgumentException($"--top {top} asks for no class; use 1 or more.");
        int classes = loaded.Model.Config.Classes;
        var names =
            loaded.Classes
            ?? Names(data, classes, loaded.Checkpoint)
            ?? loaded.Data?.ClassNames
            ?? [.. Enumerable.Range(0, classes).Select(i => $"class {i}")];
        var found = new List<Prediction>();
        foreach (string path in images)
        {
            var prediction = Predict(loaded, path, Math.Min(top, classes), names);
            found.Add(prediction);
            if (prediction.Error is { } error)
                Console.Error.WriteLine(error);
            else if (!json)
            {
                var guesses = prediction.Classes!.Select(guess => $"{guess.Probability, 10:P2}  {guess.Name}");
                Console.WriteLine($"{path}\n{string.Join('\n', guesses)}");
            }
        }
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(found, Json));
        return found.Any(prediction => prediction.Error is not null) ? 1 : 0;
    }

    private static IReadOnlyList<string>? Names(string? data, int classes, string model)
    {
        if (data is null)
            return null;
        var set = LabelledImages.Open(data, classes, null, model);
        using var mapped = set as IDisposable;
        return set.Classes;
    }

    private static Prediction Predict(LoadedModel loaded, string path, int top, IReadOnlyList<string> names)
    {
        var planes = new float[3 * loaded.Transform.Size * loaded.Transform.Size];
        try
        {
            using var image = ImageCodec.Read(path, loaded.Decoding);
            var random = new SampleRandom(0, 0, 0);
            loaded.Transform.Apply(image, planes, ref random);
        }
        catch (ImageException e)
        {
            return new Prediction(path, null, e.Message);
        }
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var lower = loaded.Autocast is { } dtype ? Engine.Autocast(loaded.Device, dtype) : null;
        var batch = tensor(planes, [1, 3, loaded.Transform.Size, loaded.Transform.Size]).to(loaded.Device);
        var scores = loaded.Model.call(batch); // (1, classes)
        NonFiniteScoresException.Refuse(scores, () => loaded.Model.FirstNonFinite(batch));
        var (probabilities, indices) = scores[0].to(ScalarType.Float64).softmax(0).topk(top);
        return new Prediction(
            path,
            [
                .. indices
                    .cpu()
                    .data<long>()
                    .Zip(
                        probabilities.cpu().data<double>(),
                        (index, probability) => new Guess(names[(int)index], index, probability)
                    ),
            ],
            null
        );
    }

    /// <summary>
    /// What became of an image: its likeliest classes, the best first, or the sentence that says why it cannot be read.
    /// </summary>
    private sealed record Prediction(string Image, IReadOnlyList<Guess>? Classes, string? Error);

    private sealed record Guess(string Name, long Index, double Probability);
}
