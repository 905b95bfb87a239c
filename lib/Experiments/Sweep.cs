using System.Collections.Concurrent;
using PatchKit.Data;
using PatchKit.Models;
using PatchKit.Training;
using PatchKit.Training.Recipes;

namespace PatchKit.Experiments;

/// <summary>
/// The runs that experiments are made of. All take them from here, so that two experiments that need one run share it in the cache; and the recipe depends on scale, family and images, never
/// on the patch size.
/// </summary>
internal static class Sweep
{
    /// <summary>The side of generated images at `smoke` and `teach`.</summary>
    internal const int GeneratedSize = 16;

    // Looking into a folder reads all of it once.
    private static readonly ConcurrentDictionary<string, ImageDataConfig> s_folders = new();

    internal static Family[] Families { get; } = [Family.ViT, Family.Adventurer];

    /// <summary>The seeds: those asked for, or the experiment's own number.</summary>
    internal static IEnumerable<long> Seeds(ExperimentOptions options, int usual) =>
        Enumerable.Range(0, options.Seeds ?? (options.Scale == Scale.Teach ? usual : 1)).Select(i => options.FirstSeed + i);

    /// <summary>One run.</summary>
    /// <param name="options">scale, images, budget.</param>
    /// <param name="family">the model's kind.</param>
    /// <param name="size">the side of the images.</param>
    /// <param name="patchSize">p.</param>
    /// <param name="seed">the seed.</param>
    /// <param name="change">a change to the model, such as its width.</param>
    internal static RunConfig Run(ExperimentOptions options, Family family, int size, int patchSize, long seed, Func<BackboneConfig, BackboneConfig>? change = null)
    {
        var data = Data(options, size);
        var model = Model(options.Scale, family) with { Height = size, Width = size, PatchSize = patchSize, Classes = data.Classes };
        return new RunConfig { Model = change?.Invoke(model) ?? model, Recipe = Recipe(options, family), Data = data, Seed = seed };
    }

    /// <summary>The images at a size.</summary>
    /// <exception cref="ArgumentException">The scale needs real images and none were named.</exception>
    internal static DataConfig Data(ExperimentOptions options, int size)
    {
        if (options.Data is { } folder) return s_folders.GetOrAdd(Path.GetFullPath(folder), path => ImageDataConfig.In(path, size)) with { Size = size, CropRatio = options.Scale == Scale.Paper ? .875 : 1 };
        if (options.Scale is Scale.Smoke or Scale.Teach) return new GeneratedDataConfig { Options = new MultiScaleBitsOptions().Sized(size), TestImages = options.Scale == Scale.Smoke ? 500 : 2000 };
        throw new ArgumentException($"scale {Name(options.Scale)} trains on real images; name their folder with --data ({(options.Scale == Scale.Paper ? "ImageNet-1k" : "CIFAR-10 or another")}: data-scripts/ fetches or explains it), or use --scale teach.");
    }

    /// <summary>"teach" for <see cref="Scale.Teach"/>.</summary>
    internal static string Name(Scale scale) => scale.ToString().ToLowerInvariant();

    private static BackboneConfig Model(Scale scale, Family family) => (scale, family) switch
    {
        (Scale.Paper, Family.ViT) => ModelZoo.Find("deit-base").Config,
        (Scale.Paper, _) => ModelZoo.Find("adventurer-base").Config,
        (Scale.Gpu, Family.ViT) => ModelZoo.Find("deit-tiny").Config,
        (Scale.Gpu, _) => ModelZoo.Find("adventurer-tiny").Config,
        (_, Family.ViT) => SmallNet.Vit(GeneratedSize, 1, 1),
        _ => SmallNet.Adventurer(GeneratedSize, 1, 1),
    };

    private static Recipe Recipe(ExperimentOptions options, Family family)
    {
        var recipe = options.Scale switch
        {
            Scale.Smoke => Small.Smoke,
            Scale.Teach => options.Data is null ? Small.Teach : Small.Images,
            Scale.Gpu => Small.Gpu,
            _ => family == Family.ViT ? Deit.Standard : AdventurerPretraining.Standard,
        };
        return Budgeted(recipe, options.Budget);
    }

    /// <summary>A recipe with a multiple of its steps: longer epochs where it says how long they are, else more of them.</summary>
    /// <exception cref="ArgumentException">The budget is not above 0.</exception>
    internal static Recipe Budgeted(Recipe recipe, double budget)
    {
        if (!(budget > 0) || double.IsInfinity(budget)) throw new ArgumentException($"a budget of {budget} times the steps trains nothing; use a number above 0, such as 0.5 or 4.");
        if (budget == 1) return recipe;
        if (recipe.EpochImages == 0) return recipe with { Epochs = Math.Max(recipe.WarmupEpochs + 1, (int)Math.Round(recipe.Epochs * budget)) };
        return recipe with { EpochImages = Math.Max(1, (int)Math.Round(recipe.EpochImages * budget / recipe.BatchSize)) * recipe.BatchSize };
    }
}
