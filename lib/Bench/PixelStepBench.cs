using System.Diagnostics;
using PatchKit.Models;
using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>
/// `patchkit bench pixel-step`: training steps (forward, backward, AdamW) of a model of Table 7 on this machine, by
/// default one over 224 x 224 pixels as 50,176 tokens and the class token. A process's first step also pays for memory
/// that it touches for the first time; of several steps the last is reported beside it.
/// </summary>
/// <param name="Model">A preset of <see cref="ModelZoo"/>.</param>
/// <param name="Input">Height and width of the image in pixels.</param>
/// <param name="Patch">The patch size.</param>
/// <param name="Checkpointing">Whether blocks are computed again in the backward pass.</param>
/// <param name="Batch">Images in the step.</param>
/// <param name="Threads">Threads of libtorch.</param>
/// <param name="Steps">Steps to take.</param>
/// <param name="Device">Where they are taken; on a GPU in bfloat16 autocast.</param>
internal sealed record PixelStepBench(
    string Model,
    int Input,
    int Patch,
    bool Checkpointing,
    int Batch,
    int Threads,
    int Steps,
    Device Device
)
{
    private const double MiB = 1L << 20;

    internal BenchResult Run()
    {
        if (Batch < 1)
            throw new ArgumentException($"a batch of {Batch} images trains nothing; use at least 1.");
        if (Threads < 1)
            throw new ArgumentException($"{Threads} threads compute nothing; use at least 1.");
        if (Steps < 1)
            throw new ArgumentException($"{Steps} steps measure nothing; use at least 1.");
        int before = get_num_threads();
        set_num_threads(Threads);
        try
        {
            Engine.Seed(0);
            using var model = ModelZoo
                .Find(Model)
                .Create(config =>
                    config with
                    {
                        Height = Input,
                        Width = Input,
                        PatchSize = Patch,
                        Checkpointing = Checkpointing,
                    }
                );
            model.to(Device);
            using var optimizer = new FusedAdamW(model.parameters(), lr: 1e-4, weight_decay: 0.05);
            Console.WriteLine(
                $"{Model} on {Device}, {Batch} image(s) of {Input}x{Input} at patch "
                    + $"size {Patch}: {Tokens(model):N0} tokens, {model.parameters().Sum(p => p.numel()):N0} "
                    + $"parameters, {Threads} thread(s){(Checkpointing ? ", blocks computed again" : "")}."
            );
            Engine.ResetPeakMemory(Device);
            ResidentMemory.ResetPeak();
            StepTimes[] steps = [.. Enumerable.Range(0, Steps).Select(_ => Step(model, optimizer))];
            return new BenchResult([.. Figures(steps, Tokens(model))]);
        }
        finally
        {
            set_num_threads(before);
        }
    }

    private long Tokens(Backbone model) => (long)Batch * model.Config.Tokens;

    private StepTimes Step(Backbone model, optim.Optimizer optimizer)
    {
        using var scope = NewDisposeScope();
        var images = randn([Batch, 3, Input, Input], device: Device);
        var labels = randint(0, model.Config.Classes, [Batch], device: Device);
        DeviceRates.Synchronize(Device);
        var watch = Stopwatch.StartNew();
        optimizer.zero_grad();
        Tensor loss;
        using (Device.type == DeviceType.CUDA ? Engine.Autocast(Device) : null)
            loss = nn.functional.cross_entropy(model.call(images), labels);
        double value = loss.ToDouble(),
            forward = watch.Elapsed.TotalSeconds;
        loss.backward();
        DeviceRates.Synchronize(Device);
        double backward = watch.Elapsed.TotalSeconds - forward;
        optimizer.step();
        DeviceRates.Synchronize(Device);
        return new(value, forward, backward, watch.Elapsed.TotalSeconds - forward - backward);
    }

    private IEnumerable<Figure> Figures(StepTimes[] steps, long tokens)
    {
        var last = steps[^1];
        if (steps.Length > 1)
            yield return new("first training step", steps[0].Total, "s");
        yield return new(steps.Length > 1 ? $"training step {steps.Length}" : "one training step", last.Total, "s");
        yield return new("  forward", last.Forward, "s");
        yield return new("  backward", last.Backward, "s");
        yield return new("  AdamW", last.Optimizer, "s");
        yield return new("throughput", tokens / last.Total, "tokens/s");
        yield return new("peak memory of tensors", Engine.MemoryOf(Device).PeakBytes / MiB, "MiB");
        bool promised =
            (Model, Input, Patch, Checkpointing, Batch, Device.type)
            == ("adventurer-base", 224, 1, true, 1, DeviceType.CPU);
        yield return new(
            "peak memory of the process",
            ResidentMemory.Read().Peak / MiB,
            "MiB",
            promised ? 16 * 1024 : null
        );
        yield return new(double.IsFinite(last.Loss) ? "loss, finite" : "loss, NOT finite", last.Loss, "");
    }

    private readonly record struct StepTimes(double Loss, double Forward, double Backward, double Optimizer)
    {
        internal double Total => Forward + Backward + Optimizer;
    }
}
