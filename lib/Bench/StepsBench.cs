using System.Diagnostics;
using System.Globalization;
using PatchKit.Checkpoints;
using PatchKit.Experiments.Planning;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Torch;
using PatchKit.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>
/// `patchkit bench steps`: training steps of models of Table 7 by patch size (forward, backward, AdamW; bfloat16
/// autocast on a GPU): images/s, the share of the GPU's peak that the model's operations make, memory, and how the time
/// grows from patch to patch beside Table 6. A Vision Transformer also beside one of the same weights in eager PyTorch
/// on the same device, taking turns.
/// </summary>
/// <param name="Models">Presets of <see cref="ModelZoo"/>.</param>
/// <param name="Input">Height and width of the images in pixels.</param>
/// <param name="Patches">Patch sizes.</param>
/// <param name="Device">Where steps are taken.</param>
/// <param name="Batch">Images in a step; null for the largest power of two that fits into memory and has no more tokens
/// than <paramref name="Tokens"/>.</param>
/// <param name="Tokens">The most tokens in a step where the batch is to be found.</param>
/// <param name="Pairs">Turns that each side takes.</param>
/// <param name="Enough">Seconds of steps in a turn; it takes one at least, and the fastest counts.</param>
/// <param name="Peer">Whether to measure eager PyTorch too.</param>
internal sealed record StepsBench(
    string[] Models,
    int Input,
    int[] Patches,
    Device Device,
    int? Batch,
    int Tokens,
    int Pairs,
    double Enough,
    bool Peer
)
{
    private const double GB = 1e9,
        MostTheirsOverOurs = 1 / .98;
    private const int ImagesCompared = 2,
        PaperInput = 224;

    private bool OnGpu => Device.type == DeviceType.CUDA;

    internal BenchResult Run()
    {
        if (Batch < 1)
            throw new ArgumentException($"a batch of {Batch} images trains nothing; use at least 1.");
        if (Tokens < 1)
            throw new ArgumentException($"a step of {Tokens} tokens trains nothing; use at least 1.");
        if (Pairs < 1)
            throw new ArgumentException($"{Pairs} turns measure nothing; use at least 1.");
        var configs = Models.Select(name => (Name: name, ModelZoo.Find(name).Config)).ToList();
        foreach (var (_, config) in configs)
        // a patch size that does not divide the input is told of before anything runs
        foreach (int patch in Patches)
            _ = At(config, patch).Tokens;
        using var python = Peer ? PythonPeer.Start("peer_tensors.py", "steps_peer.py") : null;
        if (Peer && python is null)
            Console.WriteLine("No python3 here can import torch: ours is measured alone.");
        var peak = PeakFlops.Of(Device);
        Console.WriteLine(
            $"MFU is the share of {peak.Source}; an image takes six operations for each of the model's "
                + "multiply-accumulates."
        );
        var (rows, figures) = (new List<Measurement>(), new List<Figure>());
        foreach (var (name, config) in configs)
        {
            (int Patch, double PerImage)? larger = null;
            foreach (int patch in Patches)
            {
                Engine.ReleaseMemory(); // what the step before left is room for this one, and for the peer's
                if (Measure(name, At(config, patch), python, peak, rows, figures) is not { } perImage)
                    continue;
                if (larger is { } before)
                    figures.AddRange(Growth(name, before.Patch, patch, perImage / before.PerImage));
                larger = (patch, perImage);
            }
        }
        return new BenchResult(rows, figures);
    }

    private BackboneConfig At(BackboneConfig config, int patch) =>
        config with
        {
            Height = Input,
            Width = Input,
            PatchSize = patch,
        };

    /// <summary>Seconds for an image; null where not even one fits.</summary>
    private double? Measure(
        string name,
        BackboneConfig config,
        PythonPeer? python,
        PeakFlops peak,
        List<Measurement> rows,
        List<Figure> figures
    )
    {
        string subject = $"{name}, p = {config.PatchSize}";
        using var scope = NewDisposeScope();
        var (steps, batch, bytes) = Fit(config);
        if (steps is null)
        {
            Console.WriteLine(
                $"{subject}: one image of {config.Tokens:N0} tokens does not fit into the memory of {Device}."
            );
            return null;
        }
        using (steps)
        {
            subject += $", {batch} x {config.Tokens:N0} tokens";
            double[] ours = Turns(
                subject,
                steps,
                config is VisionTransformerConfig vit && python is not null
                    ? new Eager(python, vit, batch, steps, Device, Enough)
                    : null,
                rows
            );
            double perImage = Measurement.Median(ours) / 1e3 / batch,
                flops = ThroughputCurve.FlopsPerMac * config.Cost().Macs / perImage;
            figures.Add(new($"{subject}: throughput", 1 / perImage, "images/s"));
            figures.Add(new("  the model's operations", flops / 1e12, "TFLOP/s"));
            figures.Add(new("  MFU, their share of the peak", 100 * flops / peak.Flops, "%"));
            if (bytes is { } held)
                figures.Add(new("  peak memory beyond parameters, their gradients and AdamW's state", held / GB, "GB"));
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{subject}: {1 / perImage:G4} images/s, MFU {100 * flops / peak.Flops:G3} %"
                )
            );
            return perImage;
        }
    }

    /// <summary>Milliseconds of our steps, turn by turn, in turns with the peer's where it has room.</summary>
    private double[] Turns(string subject, TrainingSteps steps, Eager? peer, List<Measurement> rows)
    {
        var turns =
            peer is null ? null
            : peer.Load()
                ? Measurement.Pairs(
                    subject,
                    $"eager PyTorch {peer.Version}",
                    "ms",
                    Pairs,
                    Turn,
                    peer.Turn,
                    OnGpu ? MostTheirsOverOurs : null
                )
            : null;
        if (turns is null || turns.Theirs.Any(double.IsNaN))
        {
            if (peer is not null)
                Console.WriteLine($"{subject}: eager PyTorch does not fit into the memory that ours leaves.");
            return turns?.Ours ?? [.. Enumerable.Range(0, Pairs).Select(_ => Turn())];
        }
        rows.Add(turns);
        if (peer!.PeakBytes() is var bytes && double.IsFinite(bytes))
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{subject}: eager PyTorch's tensors held {bytes / GB:N1} GB at the peak, weights and "
                        + $"optimizer included."
                )
            );
        peer.Free();
        return turns.Ours;

        double Turn()
        {
            var watch = Stopwatch.StartNew();
            double fastest = double.PositiveInfinity;
            do fastest = Math.Min(fastest, steps.Next());
            while (watch.Elapsed.TotalSeconds < Enough);
            return 1e3 * fastest;
        }
    }

    /// <summary>
    /// The model with its batch after a first step, and the bytes that it held at its peak; null where it does not fit.
    /// </summary>
    private (TrainingSteps? Steps, int Batch, long? Bytes) Fit(BackboneConfig config)
    {
        int batch = Batch ?? (OnGpu ? 1 << (int)Math.Log2(Math.Max(1, Tokens / config.TokenGrid.Count)) : 1);
        for (; batch > 0; batch = Batch is null ? batch / 2 : 0)
        {
            TrainingSteps? steps = null;
            try
            {
                steps = new TrainingSteps(config, batch, Device);
                return (steps, batch, steps.First());
            }
            catch (Exception e) when (Engine.IsOutOfMemory(e))
            {
                steps?.Dispose();
                Engine.ReleaseMemory();
            }
        }
        return (null, 0, null);
    }

    private static IEnumerable<Figure> Growth(string name, int larger, int smaller, double factor)
    {
        yield return new($"{name}: time of an image at p = {smaller} over p = {larger}", factor, "x");
        if (Hours(name, smaller) / Hours(name, larger) is { } paper)
            yield return new("  in Table 6, on an A100", paper, "x");
    }

    private static double? Hours(string name, int patch) =>
        PaperNumbers.Table6.FirstOrDefault(row => row.PatchSize == patch) is not { } row
            ? null
            : name switch
            {
                "deit-base" => row.DeitBaseGpuHours,
                "adventurer-base" => row.AdventurerBaseGpuHours,
                _ => null,
            };

    /// <summary>The peer's model, which starts from the weights that ours has.</summary>
    private sealed class Eager(
        PythonPeer python,
        VisionTransformerConfig config,
        int batch,
        TrainingSteps ours,
        Device device,
        double enough
    )
    {
        internal string Version => python.Version;

        /// <summary>Whether it has room for the model.</summary>
        /// <exception cref="InvalidOperationException">It finds another loss.</exception>
        internal bool Load()
        {
            using var scope = NewDisposeScope();
            var images = randn([Math.Min(batch, ImagesCompared), 3, config.Height, config.Width]);
            var labels = randint(0, config.Classes, [images.shape[0]]);
            var folder = Directory.CreateTempSubdirectory("patchkit-bench-");
            try
            {
                string file = Path.Combine(folder.FullName, "weights.safetensors");
                Safetensors.Write(
                    file,
                    [
                        .. ours.Model.state_dict().Select(entry => KeyValuePair.Create(entry.Key, entry.Value)),
                        new("images", images),
                        new("labels", labels),
                    ]
                );
                double theirs = python.Ask($"load {device} {get_num_threads()} {batch} {config.Heads} {file}");
                if (double.IsNaN(theirs))
                    return false;
                Measurement.MustBeNear(
                    "the loss",
                    ours.Loss(images, labels),
                    theirs,
                    device.type == DeviceType.CUDA ? 2e-2 : 1e-3
                );
                return true;
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }

        internal double Turn() =>
            _ended ? double.NaN : Kept(python.Ask($"step {enough.ToString(CultureInfo.InvariantCulture)}"));

        internal double PeakBytes() => _ended ? double.NaN : python.Ask("peak");

        internal void Free() => python.Ask("free");

        private bool _ended;

        private double Kept(double seconds)
        {
            _ended = double.IsNaN(seconds);
            return 1e3 * seconds;
        }
    }
}
