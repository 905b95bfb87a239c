using System.Collections.Concurrent;
using PatchKit.Data;
using PatchKit.Models;
using PatchKit.Models.Segmentation;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;

namespace PatchKit.Experiments.Sweeps;

/// <summary>
/// The runs of segmentation: a backbone of every patch size, trained to classify by the kit, then fine-tuned with one
/// linear layer and with UperNet. table2, figure2 and figure1d take them from here.
/// </summary>
internal static class SegmentationGrid
{
    private const int PaperCrop = 512,
        GpuCrop = 256,
        TeachCrop = 128,
        PretrainingSide = 48,
        MostTokens = 512;

    private static readonly ConcurrentDictionary<string, SegmentationDataConfig> s_folders = new();

    /// <summary>The model that a scale's experiments are about; Table 2 is of Adventurers.</summary>
    internal static Family FamilyOf(ExperimentOptions options) =>
        options.Scale >= Scale.Gpu ? Family.Adventurer : Family.ViT;

    /// <summary>The seeds of backbones and decoders alike.</summary>
    internal static IEnumerable<long> Seeds(ExperimentOptions options) => options.SeedList(gpu: 1);

    /// <summary>
    /// UperNet, its width after the model's, with an auxiliary head, as is usual: without it, or half as wide, the
    /// small nets learn too slowly through so deep a decoder.
    /// </summary>
    internal static SegmentationConfig UperNet(ExperimentOptions options) =>
        SegmentationConfig.UperNet(
            options.Scale switch
            {
                Scale.Paper => SegmentationConfig.PaperChannels,
                Scale.Gpu => 96,
                _ => 64,
            }
        ) with
        {
            Auxiliary = true,
        };

    /// <summary>The patch sizes, the largest first.</summary>
    /// <exception cref="ArgumentException">The images' sides have no suitable divisors, or the scale needs
    /// images.</exception>
    internal static int[] Patches(ExperimentOptions options) =>
        options.Scale switch
        {
            Scale.Paper => [16, 8, 4, 2],
            Scale.Gpu => [16, 8, 4],
            _ when options.Data is not null => options.Pixels ? Five(Crop(options)) : Three(Crop(options)),
            Scale.Smoke => [8, 4],
            _ => [16, 8, 4, 2],
        };

    /// <summary>One run.</summary>
    /// <param name="options">scale, images, budget.</param>
    /// <param name="patch">p.</param>
    /// <param name="decoder">what stands on the backbone.</param>
    /// <param name="seed">the seed of this run and of the backbone's.</param>
    /// <param name="width">one of <see cref="ClassificationGrid.Widths"/>; the scale's usual one if null.</param>
    internal static RunConfig Run(
        ExperimentOptions options,
        int patch,
        SegmentationConfig decoder,
        long seed,
        string? width = null
    )
    {
        var start = Backbone(options, patch, seed, width);
        var data = Data(options);
        bool paper = options.Scale == Scale.Paper;
        var (height, width0) = data is SegmentationDataConfig real
            ? (real.Height, real.Width)
            : (MultiScaleBitsOptions.Segmentation.Height, MultiScaleBitsOptions.Segmentation.Width);
        return new RunConfig
        {
            // At the paper's scale positions keep the grid of 224 pixels and are interpolated: Table 2's counts leave
            // no room for more.
            Model = start.Model with
            {
                Height = paper ? start.Model.Height : height,
                Width = paper ? start.Model.Width : width0,
                Classes = 0,
            },
            Recipe = options.Budgeted(Recipe(options)),
            Data = data,
            Seed = seed,
            StartsFrom = start,
            Task = new SegmentationTask
            {
                Decoder = decoder,
                Window = paper ? new SlidingWindow(PaperCrop, PaperCrop * 2 / 3) : null,
            },
        };
    }

    /// <summary>The images that are segmented.</summary>
    /// <exception cref="ArgumentException">The scale needs real images and none were named.</exception>
    internal static DataConfig Data(ExperimentOptions options)
    {
        if (options.Data is not null)
            return Folder(options);
        if (options.Scale is Scale.Smoke or Scale.Teach)
            return new GeneratedDataConfig
            {
                Options = MultiScaleBitsOptions.Segmentation,
                TestImages = options.Scale == Scale.Smoke ? 100 : 500,
                Annotations = Annotations.Dense,
            };
        throw new ArgumentException(
            $"scale {options.Scale.Name()} segments real images; name their folder, in ADE20K's "
                + "layout, with --data (data-scripts/ade20k.sh says how to get it), or use --scale teach."
        );
    }

    // Table1's own run where the images are generated, so that both share it in the cache. Real scenes may be cut by
    // patches that 16 pixels do not hold: then generated images of a side that all of them divide.
    private static RunConfig Backbone(ExperimentOptions options, int patch, long seed, string? width)
    {
        var family = FamilyOf(options);
        var own = options with { Data = options.Pretraining, Budget = 1 };
        if (options.Scale == Scale.Paper)
            return options.Pretraining is not null
                ? ClassificationGrid.Run(own, family, 224, patch, seed, width)
                : throw new ArgumentException(
                    "scale paper starts from backbones that classify ImageNet-1k at the same patch size; "
                        + "name its folder with --pretraining, and ADE20K's with --data."
                );
        if (options.Scale == Scale.Gpu)
            return options.Pretraining is not null
                ? ClassificationGrid.Run(own, family, 32, patch, seed, width)
                : ClassificationGrid.Run(
                    own with
                    {
                        Scale = Scale.Teach,
                    },
                    family,
                    32,
                    patch,
                    seed,
                    change: config => Wide(config, family)
                );
        if (options.Data is null || options.Pretraining is not null)
            return ClassificationGrid.Run(own, family, ClassificationGrid.GeneratedSize, patch, seed, width);
        return ClassificationGrid.Run(own, family, Side(Patches(options)), patch, seed, width);

        // What is fine-tuned must be as wide as what was trained.
        static RunConfig Wide(RunConfig config, Family family) =>
            config with
            {
                Model = ModelZoo.Find(family == Family.ViT ? "deit-tiny" : "adventurer-tiny").Config with
                {
                    Height = config.Model.Height,
                    Width = config.Model.Width,
                    PatchSize = config.Model.PatchSize,
                    Classes = config.Model.Classes,
                },
            };
    }

    private static Recipe Recipe(ExperimentOptions options) =>
        options.Scale switch
        {
            Scale.Paper => SegmentationRecipes.Ade20K,
            Scale.Gpu => SegmentationRecipes.Gpu,
            // real images are larger
            Scale.Smoke => options.Data is null
                ? SegmentationRecipes.Smoke
                : SegmentationRecipes.Smoke with
                {
                    BatchSize = 4,
                    EpochImages = 48,
                },
            _ => options.Data is null ? SegmentationRecipes.Teach : SegmentationRecipes.Images,
        };

    // Looking into a folder reads the sizes of all files once.
    private static SegmentationDataConfig Found(ExperimentOptions options) =>
        options.SizesOnly && PublishedData.Scenes(options.Data!) is { } known
            ? known
            : s_folders.GetOrAdd(Path.GetFullPath(options.Data!), path => SegmentationDataConfig.In(path));

    private static SegmentationDataConfig Folder(ExperimentOptions options)
    {
        var found = Found(options);
        var (height, width) = Crop(options);
        return found with
        {
            Height = height,
            Width = width,
            ShorterSide = (height, width) == (found.Height, found.Width) && found.OneSize ? 0 : Math.Min(height, width),
        };
    }

    // Small images of one size are trained on whole, as the study did; others in squares.
    private static (int Height, int Width) Crop(ExperimentOptions options)
    {
        var found = Found(options);
        if (options.Scale == Scale.Paper)
            return (PaperCrop, PaperCrop);
        if (options.Scale == Scale.Gpu)
            return (GpuCrop, GpuCrop);
        return
            found.OneSize
            && (long)found.Height * found.Width <= 4 * TeachCrop * TeachCrop
            && Common(found.Height, found.Width).Length > 2
            ? (found.Height, found.Width)
            : (TeachCrop, TeachCrop);
    }

    // The smallest common divisor of both sides that gives at most 512 tokens, the largest up to four times it, and the
    // one nearest the middle: 30, 20, 10 for 240 x 180 pixels.
    private static int[] Three((int Height, int Width) crop)
    {
        int[] common = Common(crop.Height, crop.Width);
        int least = common.First(p => (long)crop.Height * crop.Width / (p * p) <= MostTokens),
            most = common.Last(p => p <= 4 * least);
        var between = common.Where(p => p > least && p < most).ToList();
        return between.Count == 0
            ? [most, least]
            :
            [
                most,
                between
                    .OrderBy(p => Math.Round(Math.Abs(Math.Log(p / Math.Sqrt((double)least * most))), 9))
                    .ThenByDescending(p => p)
                    .First(),
                least,
            ];
    }

    // A patch at least twice as large before them and one at most half as large behind: 60 and 5.
    private static int[] Five((int Height, int Width) crop)
    {
        int[] three = Three(crop),
            common = Common(crop.Height, crop.Width);
        return
        [
            .. common.Where(p => p >= 2 * three[0]).Take(1),
            .. three,
            .. common.Where(p => 2 * p <= three[^1]).TakeLast(1),
        ];
    }

    private static int[] Common(int height, int width) =>
        [
            .. Enumerable
                .Range(1, Math.Min(64, Math.Min(height, width) / 2))
                .Where(p => height % p == 0 && width % p == 0),
        ];

    private static int Side(int[] patches)
    {
        int multiple = patches.Aggregate(1, (a, b) => a / Divisor(a, b) * b);
        return (PretrainingSide + multiple - 1) / multiple * multiple;

        static int Divisor(int a, int b) => b == 0 ? a : Divisor(b, a % b);
    }
}
