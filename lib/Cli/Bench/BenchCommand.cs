using System.CommandLine;
using TorchSharp;

namespace PatchKit.Cli;

/// <summary>`patchkit bench NAME`: speed as ratios against a named peer in the same run.</summary>
internal static class BenchCommand
{
    internal static Command Create() => new("bench", "Measure speed and memory as ratios against a named peer in the same run.")
    {
        BesidePeers("engine", "The cost of a call and of a training step: C# beside typed C++ and Python torch.", EngineBench.Run),
        BesidePeers("scan", "The fused selective scan beside its chunked form, tuned tensor operators and Python torch.", ScanBench.Run),
        BesidePeers("attention", "Attention without an L x L tensor beside the composed form.", AttentionBench.Run),
        BesidePeers("train", "A training step of the small nets beside the same nets in Python torch.", TrainBench.Run),
        PixelStep(),
        Data(),
        Coco(),
    };

    private static Command BesidePeers(string name, string description, Func<int, BenchResult> run)
    {
        var json = Json();
        var pairs = Pairs();
        var command = new Command(name, description) { json, pairs };
        command.SetAction(parsed => BenchReport.Finish(run(parsed.GetValue(pairs)), parsed.GetValue(json)));
        return command;
    }

    private static Command Data()
    {
        var json = Json();
        var pairs = Pairs();
        var data = new Option<string?>("--data") { Description = "a folder with JPEGs (default: Pillow makes some)" };
        var command = new Command("data", "Preparing images for training, from JPEG files to planes of numbers, beside Pillow on one core.") { data, json, pairs };
        command.SetAction(parsed => BenchReport.Finish(new DataBench(parsed.GetValue(pairs), parsed.GetValue(data)).Run(), parsed.GetValue(json)));
        return command;
    }

    private static Command Coco()
    {
        var json = Json();
        var images = new Option<int>("--images") { Description = "images in the set", DefaultValueFactory = _ => 5000 };
        var detections = new Option<int>("--detections") { Description = "detections in each image", DefaultValueFactory = _ => 100 };
        var categories = new Option<int>("--categories") { Description = "categories", DefaultValueFactory = _ => 80 };
        var alone = new Option<bool>("--alone") { Description = "leave pycocotools out, which takes minutes" };
        var command = new Command("coco-ap", "COCO's average precision of boxes and masks, on a set as large as val2017, beside pycocotools.") { images, detections, categories, alone, json };
        command.SetAction(parsed => BenchReport.Finish(new CocoBench(parsed.GetValue(images), parsed.GetValue(detections), parsed.GetValue(categories), !parsed.GetValue(alone)).Run(), parsed.GetValue(json)));
        return command;
    }

    private static Command PixelStep()
    {
        var json = Json();
        var model = new Option<string>("--model") { Description = "a model of Table 7; `patchkit models` lists them", DefaultValueFactory = _ => "adventurer-tiny" };
        var input = new Option<int>("--input") { Description = "height and width of the image", DefaultValueFactory = _ => 224 };
        var patch = new Option<int>("--patch") { Description = "patch size", DefaultValueFactory = _ => 1 };
        var batch = new Option<int>("--batch") { Description = "images in the step", DefaultValueFactory = _ => 1 };
        var threads = new Option<int>("--threads") { Description = "threads of libtorch", DefaultValueFactory = _ => torch.get_num_threads() };
        var checkpointing = new Option<bool>("--checkpointing") { Description = "compute blocks again in the backward pass: less memory, a third more time" };
        var steps = new Option<int>("--steps") { Description = "training steps; the first and the last are reported", DefaultValueFactory = _ => 1 };
        var command = new Command("pixel-step", "Time and memory of a training step, by default with each of 224 x 224 pixels a token.") { model, input, patch, checkpointing, batch, threads, steps, json };
        command.SetAction(parsed => BenchReport.Finish(
            new PixelStepBench(parsed.GetValue(model)!, parsed.GetValue(input), parsed.GetValue(patch), parsed.GetValue(checkpointing), parsed.GetValue(batch), parsed.GetValue(threads), parsed.GetValue(steps)).Run(),
            parsed.GetValue(json)));
        return command;
    }

    private static Option<int> Pairs() => new("--pairs") { Description = "interleaved measurements of each", DefaultValueFactory = _ => 7 };

    private static Option<FileInfo?> Json() => new("--json") { Description = "also write the figures to this file" };
}
