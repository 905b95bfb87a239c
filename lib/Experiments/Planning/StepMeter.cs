using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PatchKit.Models;
using PatchKit.Torch;
using PatchKit.Training;
using PatchKit.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Experiments.Planning;

/// <summary>
/// Times training steps (forward, backward, AdamW; bfloat16 on a GPU) on random images. What was measured is kept as
/// JSON and found again by model, batch, machine, threads, libtorch and commit, so that a table that was interrupted
/// goes on where it stopped.
/// </summary>
/// <param name="Folder">where measurements are kept.</param>
/// <param name="Device">where steps are taken.</param>
/// <param name="Enough">seconds of steps that make a measurement; three steps at least, unless they take longer than
/// <see cref="Patience"/>.</param>
public sealed record StepMeter(string Folder, Device Device, double Enough)
{
    private const int Fewest = 3;
    private const double Patience = 15;
    private const int MostRounds = 5;

    /// <summary>Where a store's measurements are kept.</summary>
    internal static string FolderIn(RunStore store) => Path.Combine(store.Folder, "measurements");

    /// <summary>All measurements that a folder keeps, by their files' names.</summary>
    internal static IEnumerable<StepCost> Kept(string folder) =>
        Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "*.json").Order().Select(Read).OfType<StepCost>()
            : [];

    /// <summary>
    /// What a step takes: as it was measured before, or measured now; null where it does not fit into memory.
    /// </summary>
    /// <param name="model">the model.</param>
    /// <param name="batch">images in the step.</param>
    /// <param name="cancellation">ends it; nothing is kept of what was begun.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public StepCost? Measure(BackboneConfig model, int batch, CancellationToken cancellation = default)
    {
        string path = Path.Combine(Directory.CreateDirectory(Folder).FullName, $"{Key(model, batch)}.json");
        if (Read(path) is { } known)
            return known;
        cancellation = Cancellation.OrHost(cancellation);
        using var stop = Engine.StopOn(cancellation);
        try
        {
            var cost = Steps(model, batch, cancellation);
            RunFile.WriteJson(path, cost);
            return cost;
        }
        catch (Exception e) when (Engine.IsOutOfMemory(e))
        {
            Engine.ReleaseMemory();
            return null;
        }
    }

    private StepCost Steps(BackboneConfig config, int batch, CancellationToken cancellation)
    {
        using var steps = new TrainingSteps(config, batch, Device);
        long? grown = steps.First();
        var seconds = new List<double>();
        do
        {
            cancellation.ThrowIfCancellationRequested();
            seconds.Add(steps.Next());
        } while (seconds.Sum() < Patience && (seconds.Count < Fewest || seconds.Sum() < Enough));
        return new StepCost(
            config,
            batch,
            seconds.Min(),
            seconds.Max(),
            seconds.Count,
            grown,
            Machine.Here(Device),
            Machine.Commit,
            DateTime.UtcNow,
            Rounds(seconds)
        );
    }

    // The fastest step of each of five parts; with fewer steps than that each is a part.
    private static double[] Rounds(List<double> seconds)
    {
        int rounds = Math.Min(MostRounds, seconds.Count);
        return
        [
            .. Enumerable
                .Range(0, rounds)
                .Select(i =>
                    seconds
                        .GetRange(
                            i * seconds.Count / rounds,
                            (i + 1) * seconds.Count / rounds - i * seconds.Count / rounds
                        )
                        .Min()
                ),
        ];
    }

    private string Key(BackboneConfig model, int batch)
    {
        string all = JsonSerializer.Serialize((model, batch, Machine.Here(Device), Machine.Commit), RunConfig.Json);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all)))[..16];
    }

    // A file that was damaged is as good as none.
    private static StepCost? Read(string path)
    {
        try
        {
            return File.Exists(path)
                ? JsonSerializer.Deserialize<StepCost>(File.ReadAllBytes(path), RunConfig.Json)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
