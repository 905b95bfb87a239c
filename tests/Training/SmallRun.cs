using System.Security.Cryptography;
using PatchKit.Checkpoints;
using PatchKit.Data.Augment;
using PatchKit.Models;
using PatchKit.Training;
using PatchKit.Training.Loop;
using PatchKit.Training.Recipes;
using PatchKit.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training;

/// <summary>
/// A run of a few steps, by the trainer itself: what it leaves is its checkpoint, average and optimizer included, and
/// its metrics.
/// </summary>
/// <param name="Recipe">how it is trained.</param>
/// <param name="Data">what it learns from.</param>
/// <param name="Adventurer">an Adventurer, not a ViT.</param>
/// <param name="Seed">the seed.</param>
internal sealed record SmallRun(Recipe Recipe, DataConfig Data, bool Adventurer = false, long Seed = 3)
{
    /// <summary>3 epochs of 8 batches of 16 generated images.</summary>
    internal static Recipe Plain { get; } =
        RecipeBook.Find("smoke") with
        {
            Epochs = 3,
            EpochImages = 128,
            BatchSize = 16,
            WarmupEpochs = 1,
        };

    /// <summary>The same with all that is random or remembers.</summary>
    internal static Recipe Full { get; } =
        Plain with
        {
            EmaDecay = .9,
            Mixup = .8,
            CutMix = 1,
            DropPath = .2,
            LabelSmoothing = .1,
            RandomErasing = .5,
        };

    internal static DataConfig Generated { get; } = new GeneratedDataConfig { TestImages = 100 };

    internal BackboneConfig Model(int classes) =>
        (Adventurer ? (BackboneConfig)SmallNet.Adventurer(16, 8, classes) : SmallNet.Vit(16, 8, classes)) with
        {
            DropPath = Recipe.DropPath,
        };

    /// <summary>Trains in a folder, from its checkpoint where there is one.</summary>
    /// <param name="folder">where.</param>
    /// <param name="stop">stops it.</param>
    /// <param name="options">changes to how it is carried out.</param>
    /// <param name="through">what the images go through.</param>
    /// <param name="objective">another objective.</param>
    internal void Train(
        string folder,
        CancellationTokenSource? stop = null,
        Func<TrainerOptions, TrainerOptions>? options = null,
        Func<TrainingData, TrainingData>? through = null,
        Func<IObjective, IObjective>? objective = null
    )
    {
        using var opened = Data.Open(Recipe, Seed, CPU);
        var data = through?.Invoke(opened) ?? opened;
        manual_seed(Seed).Dispose();
        using var model = Model(data.Classes).Create();
        var own = new TrainerOptions
        {
            Seed = Seed,
            Folder = folder,
            SaveEvery = TimeSpan.MaxValue,
        };
        var usual = new ClassificationObjective(model, Recipe, Seed);
        using var trainer = new Trainer(
            model,
            ParameterGroups.Of(model, Recipe.WeightDecay, Recipe.LayerDecay),
            Recipe,
            data,
            objective?.Invoke(usual) ?? usual,
            options?.Invoke(own) ?? own
        );
        trainer.Train(stop?.Token ?? default);
    }

    /// <summary>
    /// What a run left, by name: a hash of each tensor, the metrics, and what the checkpoint says beside the time it
    /// took.
    /// </summary>
    internal static SortedDictionary<string, string> Left(string folder)
    {
        using var scope = NewDisposeScope();
        using var file = Safetensors.Open(CheckpointIn(folder));
        var left = new SortedDictionary<string, string> { ["metrics"] = Metrics(folder) };
        foreach (var (name, value) in file.StateDict(""))
            left[name] = Convert.ToHexString(SHA256.HashData(value.contiguous().bytes));
        foreach (var (name, text) in file.Metadata)
            if (name != "seconds")
                left[$"metadata {name}"] = text;
        return left;
    }

    internal static string CheckpointIn(string folder) => Path.Combine(folder, TrainerStateFile.FileName);

    internal static string Metrics(string folder) => File.ReadAllText(Path.Combine(folder, MetricsLog.FileName));
}
