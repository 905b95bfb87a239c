using System.CommandLine;
using PatchKit.Bench;
using PatchKit.Training;
using TorchSharp;

namespace PatchKit.Cli;

/// <summary>`patchkit bench NAME`: speed as ratios against a named peer in the same run.</summary>
internal static class BenchCommand
{
    internal static Command Create() =>
        new("bench", "Measure speed and memory as ratios against a named peer in the same run.")
        {
            BesidePeers("engine", "The cost of a call and of a training step, beside Python torch.", EngineBench.Run),
            Scan(),
            Attention(),
            BesidePeers(
                "train",
                "A training step of the small nets beside the same nets in Python torch.",
                TrainBench.Run
            ),
            Steps(),
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

    private static Command Scan()
    {
        var json = Json();
        var pairs = Pairs();
        var device = OfDevice();
        var dtype = Dtype();
        Option<int> batch = Size("--batch", "sequences", 8),
            length = Size("--length", "tokens", 12_544),
            heads = Size("--heads", "heads", 24),
            headDim = Size("--head-dim", "dimension of a head", 64),
            stateDim = Size("--state-dim", "dimension of the state", 64);
        var command = new Command(
            "scan",
            "The fused selective scan beside its chunked form, tuned tensor operators and Python torch; "
                + "with --device, at one size on that device beside mamba_ssm's kernel and PyTorch."
        )
        {
            device,
            dtype,
            batch,
            length,
            heads,
            headDim,
            stateDim,
            json,
            pairs,
        };
        command.SetAction(parsed =>
            BenchReport.Finish(
                parsed.GetValue(device) is { } on
                    ? new DeviceScanBench(
                        Devices.Open(on),
                        parsed.GetValue(dtype),
                        parsed.GetValue(batch),
                        parsed.GetValue(length),
                        parsed.GetValue(heads),
                        parsed.GetValue(headDim),
                        parsed.GetValue(stateDim),
                        parsed.GetValue(pairs)
                    ).Run()
                    : ScanBench.Run(parsed.GetValue(pairs)),
                parsed.GetValue(json)
            )
        );
        return command;
    }

    private static Command Attention()
    {
        var json = Json();
        var pairs = Pairs();
        var device = OfDevice();
        var dtype = Dtype();
        Option<int> batch = Size("--batch", "images", 4),
            length = Size("--length", "tokens", 12_544),
            heads = Size("--heads", "heads", 12),
            headDim = Size("--head-dim", "dimension of a head", 64);
        var command = new Command(
            "attention",
            "Attention without an L x L tensor beside the composed form; with --device, at one size on that "
                + "device beside PyTorch's."
        )
        {
            device,
            dtype,
            batch,
            length,
            heads,
            headDim,
            json,
            pairs,
        };
        command.SetAction(parsed =>
            BenchReport.Finish(
                parsed.GetValue(device) is { } on
                    ? new DeviceAttentionBench(
                        Devices.Open(on),
                        parsed.GetValue(dtype),
                        parsed.GetValue(batch),
                        parsed.GetValue(heads),
                        parsed.GetValue(length),
                        parsed.GetValue(headDim),
                        parsed.GetValue(pairs)
                    ).Run()
                    : AttentionBench.Run(parsed.GetValue(pairs)),
                parsed.GetValue(json)
            )
        );
        return command;
    }

    private static Command Steps()
    {
        var json = Json();
        var device = TrainingDevice();
        var models = new Option<string[]>("--model")
        {
            Description = "models of Table 7; `patchkit models` lists them",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => ["deit-base", "adventurer-base"],
        };
        var input = Size("--input", "height and width of the images", 224);
        var patches = new Option<int[]>("--patch")
        {
            Description = "patch sizes",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [16, 8, 4, 2, 1],
        };
        var batch = new Option<int?>("--batch")
        {
            Description =
                "images in a step (default: on a GPU the largest power of two that fits and keeps to "
                + "--tokens, on a CPU 1)",
        };
        var tokens = Size("--tokens", "the most tokens in a step whose batch is not given", 1024 * 196);
        var seconds = new Option<double>("--seconds")
        {
            Description = "of steps in a turn",
            DefaultValueFactory = _ => 1,
        };
        var peer = new Option<bool>("--peer")
        {
            Description = "also measure the Vision Transformers in eager PyTorch, on the same device and in turns",
        };
        var pairs = Pairs(5);
        var command = new Command(
            "steps",
            "Training steps by patch size: images/s, MFU, memory, and how they grow beside Table 6."
        )
        {
            device,
            models,
            input,
            patches,
            batch,
            tokens,
            peer,
            seconds,
            pairs,
            json,
        };
        command.SetAction(parsed =>
            BenchReport.Finish(
                new StepsBench(
                    parsed.GetValue(models)!,
                    parsed.GetValue(input),
                    parsed.GetValue(patches)!,
                    Devices.Open(parsed.GetValue(device)!),
                    parsed.GetValue(batch),
                    parsed.GetValue(tokens),
                    parsed.GetValue(pairs),
                    parsed.GetValue(seconds),
                    parsed.GetValue(peer)
                ).Run(),
                parsed.GetValue(json)
            )
        );
        return command;
    }

    private static Command Data()
    {
        var json = Json();
        var pairs = Pairs();
        var data = new Option<string?>("--data") { Description = "a folder with JPEGs (default: Pillow makes some)" };
        var command = new Command(
            "data",
            "Preparing images for training, from JPEG files to planes of numbers, beside Pillow on one core."
        )
        {
            data,
            json,
            pairs,
        };
        command.SetAction(parsed =>
            BenchReport.Finish(
                new DataBench(parsed.GetValue(pairs), parsed.GetValue(data)).Run(),
                parsed.GetValue(json)
            )
        );
        return command;
    }

    private static Command Coco()
    {
        var json = Json();
        var images = new Option<int>("--images") { Description = "images in the set", DefaultValueFactory = _ => 5000 };
        var detections = new Option<int>("--detections")
        {
            Description = "detections in each image",
            DefaultValueFactory = _ => 100,
        };
        var categories = new Option<int>("--categories") { Description = "categories", DefaultValueFactory = _ => 80 };
        var alone = new Option<bool>("--alone") { Description = "leave pycocotools out, which takes minutes" };
        var command = new Command(
            "coco-ap",
            "COCO's average precision of boxes and masks, on a set as large as val2017, beside pycocotools."
        )
        {
            images,
            detections,
            categories,
            alone,
            json,
        };
        command.SetAction(parsed =>
            BenchReport.Finish(
                new CocoBench(
                    parsed.GetValue(images),
                    parsed.GetValue(detections),
                    parsed.GetValue(categories),
                    !parsed.GetValue(alone)
                ).Run(),
                parsed.GetValue(json)
            )
        );
        return command;
    }

    private static Command PixelStep()
    {
        var json = Json();
        var model = new Option<string>("--model")
        {
            Description = "a model of Table 7; `patchkit models` lists them",
            DefaultValueFactory = _ => "adventurer-tiny",
        };
        var input = new Option<int>("--input")
        {
            Description = "height and width of the image",
            DefaultValueFactory = _ => 224,
        };
        var patch = new Option<int>("--patch") { Description = "patch size", DefaultValueFactory = _ => 1 };
        var batch = new Option<int>("--batch") { Description = "images in the step", DefaultValueFactory = _ => 1 };
        var threads = new Option<int>("--threads")
        {
            Description = "threads of libtorch",
            DefaultValueFactory = _ => torch.get_num_threads(),
        };
        var checkpointing = new Option<bool>("--checkpointing")
        {
            Description = "compute blocks again in the backward pass: less memory, a third more time",
        };
        var steps = new Option<int>("--steps")
        {
            Description = "training steps; the first and the last are reported",
            DefaultValueFactory = _ => 1,
        };
        var device = TrainingDevice();
        var command = new Command(
            "pixel-step",
            "Time and memory of a training step, by default with each of 224 x 224 pixels a token."
        )
        {
            device,
            model,
            input,
            patch,
            checkpointing,
            batch,
            threads,
            steps,
            json,
        };
        command.SetAction(parsed =>
            BenchReport.Finish(
                new PixelStepBench(
                    parsed.GetValue(model)!,
                    parsed.GetValue(input),
                    parsed.GetValue(patch),
                    parsed.GetValue(checkpointing),
                    parsed.GetValue(batch),
                    parsed.GetValue(threads),
                    parsed.GetValue(steps),
                    Devices.Open(parsed.GetValue(device)!)
                ).Run(),
                parsed.GetValue(json)
            )
        );
        return command;
    }

    private static Option<int> Pairs(int pairs = 7) =>
        new("--pairs") { Description = "interleaved measurements of each", DefaultValueFactory = _ => pairs };

    private static Option<string> TrainingDevice() =>
        new("--device") { Description = "cpu, cuda or cuda:N", DefaultValueFactory = _ => "cpu" };

    private static Option<string?> OfDevice() =>
        new("--device") { Description = "cpu, cuda or cuda:N; the other options but --pairs and --json are for this" };

    private static Option<torch.ScalarType> Dtype()
    {
        var option = new Option<torch.ScalarType>("--dtype")
        {
            Description = "float32, bfloat16 or float16",
            DefaultValueFactory = _ => torch.ScalarType.BFloat16,
        };
        option.AcceptOnlyFromAmong("float32", "bfloat16", "float16");
        return option;
    }

    private static Option<int> Size(string name, string what, int size) =>
        new(name) { Description = what, DefaultValueFactory = _ => size };

    private static Option<FileInfo?> Json() => new("--json") { Description = "also write the figures to this file" };
}
