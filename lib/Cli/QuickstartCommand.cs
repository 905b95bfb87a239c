using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using PatchKit.Data;

namespace PatchKit.Cli;

/// <summary>`patchkit quickstart`: one small ViT, two patch sizes, the same generated images: which learns more of them?</summary>
internal static class QuickstartCommand
{
    private const int ImageSize = 16, BatchSize = 64, TestImages = 2000;

    internal static Command Create()
    {
        var steps = new Option<int>("--steps") { Description = "training steps", DefaultValueFactory = _ => 600 };
        var seed = new Option<long>("--seed") { Description = "seed of images and weights", DefaultValueFactory = _ => 0 };
        var patches = new Option<int[]>("--patches")
        {
            Description = $"two patch sizes that divide {ImageSize}", Arity = new(2, 2), AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [8, 2],
        };
        var command = new Command("quickstart", "Train a small ViT at two patch sizes on generated images and compare what it learns.") { steps, seed, patches };
        command.SetAction(parsed => Compare(parsed.GetValue(patches)!, parsed.GetValue(steps), parsed.GetValue(seed)));
        return command;
    }

    private static int Compare(int[] patchSizes, int steps, long seed)
    {
        if (steps < 1) throw new ArgumentException($"{steps} steps train nothing; use at least 1.");
        if (patchSizes[0] == patchSizes[1]) throw new ArgumentException($"patch size {patchSizes[0]} was given twice; give two different ones, such as 8 and 2.");
        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = true;
            stop.Cancel();
        });
        var training = new MultiScaleBits(seed);
        SmallRun[] runs = [.. patchSizes.OrderDescending().Select(p => new SmallRun(ImageSize, p, training.Options.Classes, steps, seed))];
        try
        {
            Console.WriteLine($"The same ViT on the same {ImageSize}x{ImageSize} images, cut into {string.Join(" or ", runs.Select(run => $"{Count(run)} patches of {Size(run)}"))}.");
            Console.WriteLine($"{training.Options.Classes} classes; chance is a loss of {Math.Log(training.Options.Classes):F3}. Ctrl-C stops.");
            Train(runs, training, steps, stop.Token);
            Report(runs, new MultiScaleBits(seed, DataSplit.Test), steps, stop.Token);
            if (runs.All(run => run.Loss < run.FirstLoss)) return 0;
            Console.WriteLine($"The training loss did not fall for both in {steps} steps; give it more with --steps.");
            return 1;
        }
        finally
        {
            foreach (var run in runs) run.Dispose();
        }
    }

    private static void Train(SmallRun[] runs, MultiScaleBits images, int steps, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        double printed = 0;
        for (int step = 1; step <= steps; step++)
        {
            stop.ThrowIfCancellationRequested();
            using var batch = images.Batch((step - 1L) * BatchSize, BatchSize);
            foreach (var run in runs) run.Train(batch);
            double now = clock.Elapsed.TotalSeconds;
            if (step > 1 && step < steps && now - printed < 3) continue;
            printed = now;
            string left = step == 1 ? "" : step == steps ? $"   {now:F0} s" : $"   {now:F0} s, about {now / step * (steps - step):F0} s left";
            Console.WriteLine($"step {step,4}/{steps}   training loss {string.Join("   ", runs.Select(run => $"{Size(run)}: {run.Loss:F3}"))}{left}");
        }
    }

    private static void Report(SmallRun[] runs, MultiScaleBits images, int steps, CancellationToken stop)
    {
        var results = runs.Select(run => run.Test(images, TestImages, stop)).ToArray();
        Console.WriteLine($"\n{TestImages} new images   loss   accuracy   right about: shape  blotch  fleck  speck");
        foreach (var (run, (loss, accuracy, bits)) in runs.Zip(results))
            Console.WriteLine($"  patches of {Size(run),-5} {loss,7:F3} {accuracy,9:P1}                 {string.Join("  ", bits.Select(bit => $"{bit,5:P0}"))}");
        double large = results[0].Loss, small = results[1].Loss;
        Console.WriteLine(small < large
            ? $"\nThe smaller patch had the lower test loss: {small:F3} against {large:F3}, {1 - small / large:P0} less."
            : $"\nThe smaller patch did not have the lower test loss: {small:F3} against {large:F3}.");
        Console.WriteLine($"A demonstration, not evidence: one seed, {steps} steps (with more, larger patches catch up in part), and images built to differ in fine detail; only real images test the paper's claim.");
    }

    private static int Count(SmallRun run) => ImageSize / run.PatchSize * (ImageSize / run.PatchSize);

    private static string Size(SmallRun run) => $"{run.PatchSize}x{run.PatchSize}";
}
