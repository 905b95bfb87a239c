using System.Collections.Concurrent;
using PatchKit.Data;
using PatchKit.Data.Sets;
using PatchKit.Models;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Sweeps;

/// <summary>
/// The runs of classification. All experiments take them from here, so that two that need one run share it in the
/// cache; and the recipe depends on scale, family and images, never on the patch size.
/// </summary>
internal static class ClassificationGrid
{
    /// <summary>The side of generated images at `smoke` and `teach`.</summary>
    internal const int GeneratedSize = 16;

    // Looking into a folder reads all of it once.
    private static readonly ConcurrentDictionary<string, ImageDataConfig> s_folders = new();

    internal static Family[] Families { get; } = [Family.ViT, Family.Adventurer];

    /// <summary>One run.</summary>
    /// <param name="options">scale, images, budget.</param>
    /// <param name="family">the model's kind.</param>
    /// <param name="size">the side of the images.</param>
    /// <param name="patchSize">p.</param>
    /// <param name="seed">the seed.</param>
    /// <param name="width">one of <see cref="Widths"/>; the scale's usual one if null.</param>
    /// <param name="change">a change to model or images.</param>
    internal static RunConfig Run(
        ExperimentOptions options,
        Family family,
        int size,
        int patchSize,
        long seed,
        string? width = null,
        Func<RunConfig, RunConfig>? change = null
    )
    {
        if (options.Scale == Scale.Paper && family == Family.Adventurer)
            return Stages(options, size, patchSize, seed, width ?? "base", change);
        return Stage(
            options,
            family,
            size,
            patchSize,
            seed,
            width,
            options.Budgeted(Recipe(options, family, width)),
            change
        );
    }

    /// <summary>The models of a family at a scale, by width, the narrowest first.</summary>
    internal static IReadOnlyList<string> Widths(Scale scale, Family family) =>
        scale switch
        {
            Scale.Smoke => ["48", "96"],
            Scale.Teach => ["32", "48", "96", "192"],
            Scale.Gpu => ["tiny", "small"],
            _ => family == Family.ViT ? ["tiny", "small", "base", "large", "huge"] : ["tiny", "small", "base", "large"],
        };

    // One stage at 64 pixels, two at 128, three at 224 (Tables 8, 10, 9), all at one patch size.
    private static RunConfig Stages(
        ExperimentOptions options,
        int size,
        int patchSize,
        long seed,
        string width,
        Func<RunConfig, RunConfig>? change
    )
    {
        bool large = width is "large" or "huge";
        var config = Stage(
            options,
            Family.Adventurer,
            Math.Min(size, 128),
            patchSize,
            seed,
            width,
            large ? AdventurerPretraining.Large : AdventurerPretraining.Standard,
            change
        );
        if (size > 128)
            config = Stage(
                options,
                Family.Adventurer,
                size,
                patchSize,
                seed,
                width,
                large ? AdventurerIntermediate.Large
                    : width == "base" ? AdventurerIntermediate.Base
                    : AdventurerIntermediate.Small,
                change
            ) with
            {
                StartsFrom = config,
            };
        if (size > 64)
            config = Stage(
                options,
                Family.Adventurer,
                size,
                patchSize,
                seed,
                width,
                large ? AdventurerFinetuning.Large
                    : width == "base" ? AdventurerFinetuning.Base
                    : AdventurerFinetuning.Small,
                change
            ) with
            {
                StartsFrom = config,
            };
        return config;
    }

    private static RunConfig Stage(
        ExperimentOptions options,
        Family family,
        int size,
        int patchSize,
        long seed,
        string? width,
        Recipe recipe,
        Func<RunConfig, RunConfig>? change
    )
    {
        var data = Data(options, size);
        var model = Model(options.Scale, family, width) with
        {
            Height = size,
            Width = size,
            PatchSize = patchSize,
            Classes = data.Classes,
        };
        var config = new RunConfig
        {
            Model = model,
            Recipe = recipe,
            Data = data,
            Seed = seed,
        };
        return change?.Invoke(config) ?? config;
    }

    /// <summary>The images at a size.</summary>
    /// <exception cref="ArgumentException">The scale needs real images and none were named.</exception>
    internal static DataConfig Data(ExperimentOptions options, int size)
    {
        if (options.SizesOnly && PublishedData.Images(options.Data ?? "", size) is { } known)
            return known;
        if (options.Data is { } folder)
            return s_folders.GetOrAdd(Path.GetFullPath(folder), path => ImageDataConfig.In(path, size)) with
            {
                Size = size,
                CropRatio = options.Scale == Scale.Paper ? .875 : 1,
            };
        if (options.Scale is Scale.Smoke or Scale.Teach)
            return new GeneratedDataConfig
            {
                Options = new MultiScaleBitsOptions().Sized(size),
                TestImages = options.Scale == Scale.Smoke ? 500 : 2000,
            };
        throw new ArgumentException(
            $"scale {options.Scale.Name()} trains on real images; name their folder with --data "
                + $"({(options.Scale == Scale.Paper ? "ImageNet-1k" : "CIFAR-10 or another")}: data-scripts/ "
                + "fetches or explains it), or use --scale teach."
        );
    }

    private static BackboneConfig Model(Scale scale, Family family, string? width) =>
        (scale, family) switch
        {
            (Scale.Paper or Scale.Gpu, Family.ViT) => ModelZoo.Find($"deit-{width ?? Usual(scale)}").Config,
            (Scale.Paper or Scale.Gpu, _) => ModelZoo.Find($"adventurer-{width ?? Usual(scale)}").Config,
            (_, Family.ViT) => SmallNet.Vit(GeneratedSize, 1, 1) is var vit && width is null
                ? vit
                : vit with
                {
                    EmbedDim = int.Parse(width!),
                    Heads = Math.Max(1, int.Parse(width!) / vit.EmbedDim),
                },
            _ => SmallNet.Adventurer(GeneratedSize, 1, 1) with { EmbedDim = int.Parse(width ?? "48") },
        };

    private static string Usual(Scale scale) => scale == Scale.Paper ? "base" : "tiny";

    private static Recipe Recipe(ExperimentOptions options, Family family, string? width) =>
        (options.Scale, family) switch
        {
            (Scale.Smoke, _) => Small.Smoke,
            (Scale.Teach, _) => options.Data is null ? Small.Teach : Small.Images,
            (Scale.Gpu, _) => Small.Gpu,
            (_, Family.ViT) => width switch
            {
                "large" => MaeSupervised.Large,
                "huge" => MaeSupervised.Huge,
                _ => Deit.Standard,
            },
            _ => AdventurerPretraining.Standard,
        };
}
