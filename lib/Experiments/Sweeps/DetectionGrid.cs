using System.Collections.Concurrent;
using PatchKit.Data;
using PatchKit.Experiments.Tables;
using PatchKit.Models;
using PatchKit.Models.Detection;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;

namespace PatchKit.Experiments.Sweeps;

/// <summary>
/// The runs of detection, which table3, figure1e and figure1f share: one recipe and one detector for all patch sizes.
/// </summary>
internal static class DetectionGrid
{
    // What real images are resized to fit into, for the small nets.
    private static readonly (int Height, int Width) RealSize = (192, 256);

    // Looking into a folder reads all of its annotations once.
    private static readonly ConcurrentDictionary<string, CocoDataConfig> s_folders = new();

    /// <summary>The side of generated images at `smoke` and `teach`.</summary>
    internal const int GeneratedSize = 48;

    /// <summary>Generated objects whose evidence is graded: see the header of <see cref="Table3"/>.</summary>
    internal static MultiScaleBitsOptions Images { get; } =
        new()
        {
            Height = GeneratedSize,
            Width = GeneratedSize,
            Scales = DetailScales.Shape | DetailScales.Blotch | DetailScales.Fleck,
            Objects = (1, 3),
            SemiAxis = (.12, .28),
            SeveralFactor = 1,
            CentreTrials = 30,
        };

    /// <summary>
    /// The small detector: one level of stride 4, two forms of anchors, as many regions as are proposed.
    /// </summary>
    internal static DetectorConfig Small { get; } =
        new()
        {
            Dim = 32,
            Strides = [4],
            AnchorScale = 4,
            AnchorAspects = [.55, 1.8],
            ProposalConvolutions = 1,
            AnchorPositive = .5,
            AnchorsPerImage = 32,
            TrainingCandidates = 60,
            TrainingProposals = 12,
            TestCandidates = 60,
            TestProposals = 12,
            RegionsPerImage = 32,
            PositiveShare = .5,
            Jittered = 1,
            BoxBins = 5,
            BoxConvolutions = 0,
            BoxLayers = 2,
            BoxDim = 128,
            MaskBins = 5,
            MaskConvolutions = 2,
            OneMask = true,
            Samples = 2,
            Beta = .1,
            Pixels = true,
        };

    /// <summary>The same for real images, whose objects are of many sizes and forms.</summary>
    internal static DetectorConfig Real { get; } =
        Small with
        {
            Strides = [4, 8, 16],
            AnchorAspects = [.5, 1, 2],
            AnchorsPerImage = 64,
            TrainingCandidates = 100,
            TrainingProposals = 40,
            TestCandidates = 100,
            TestProposals = 50,
            RegionsPerImage = 48,
            PositiveShare = .4,
            Samples = 0,
        };

    /// <summary>The runs, seed by seed, the largest patch first.</summary>
    internal static IReadOnlyList<RunConfig> Runs(ExperimentOptions options) =>
        [
            .. from seed in options.SeedList(gpu: 1)
            from family in Families(options)
            from width in options.Scale == Scale.Paper ? new[] { "tiny", "base" } : ["tiny"]
            from patch in Patches(options)
            where width == "tiny" || patch > 2 // as the paper's
            select Run(options, family, patch, seed, width),
        ];

    /// <summary>One run by a recipe of detection, as the grid has it but for what is given.</summary>
    /// <param name="recipe">one of <see cref="DetectionRecipes.All"/>, which may have been changed.</param>
    /// <param name="patch">p; 8 for small nets and 16 for others where null.</param>
    /// <param name="folder">a folder in COCO's format; generated images where null.</param>
    /// <param name="start">the run whose weights it starts from.</param>
    /// <exception cref="ArgumentException">The recipe is for real images, and none were named.</exception>
    internal static RunConfig Of(Recipe recipe, int? patch, string? folder, RunConfig? start)
    {
        bool small = RunRequest.IsOfSmallNets(recipe);
        if (folder is null && recipe.EpochImages == 0)
            throw new ArgumentException(
                $"recipe {recipe.Name} trains on real images; name a folder in COCO's format with --data "
                    + "(data-scripts/coco.sh gets one), or take "
                    + $"--recipe {DetectionRecipes.Teach.Name}, which makes its own."
            );
        var options = new ExperimentOptions
        {
            Scale =
                !small ? Scale.Gpu
                : recipe.Name == DetectionRecipes.Smoke.Name || recipe.Name == DetectionRecipes.SmokePixels.Name
                    ? Scale.Smoke
                : Scale.Teach,
            Data = folder,
        };
        var task = new DetectionTask(
            !small ? new()
                : folder is null ? Small
                : Real,
            DetectionRecipes.OfPixels.Any(own => own.Name == recipe.Name)
                ? DetectionPhase.Pixels
                : DetectionPhase.Objects
        );
        var model = (start?.Model ?? Model(options)) with
        {
            PatchSize = patch ?? start?.Model.PatchSize ?? (small ? 8 : 16),
        };
        return new RunConfig
        {
            Model = model with { Classes = 0 },
            Recipe = recipe,
            Data = Data(options),
            Task = task,
            StartsFrom = start,
        };
    }

    /// <summary>Whether a run is of the grid itself, not one that others start from.</summary>
    internal static bool IsDetection(RunConfig config) =>
        config.Task is DetectionTask { Phase: DetectionPhase.Objects };

    // The paper loads backbones that classify, at the same patch size; their positions are interpolated to each batch.
    private static RunConfig FromClassifier(
        ExperimentOptions options,
        Family family,
        int patch,
        long seed,
        string width
    )
    {
        if (options.Pretraining is null)
            throw new ArgumentException(
                "scale paper starts from backbones that classify ImageNet-1k at the same patch size; name "
                    + "its folder with --pretraining, and COCO's with --data."
            );
        var start = ClassificationGrid.Run(
            options with
            {
                Data = options.Pretraining,
                Budget = 1,
            },
            family,
            options.Scale == Scale.Paper ? 224 : 32,
            patch,
            seed,
            width
        );
        return new RunConfig
        {
            Model = start.Model with { Classes = 0 },
            Recipe = options.Budgeted(Recipe(options)),
            Data = Data(options),
            Seed = seed,
            Task = new DetectionTask(new()),
            StartsFrom = start,
        };
    }

    private static RunConfig Run(ExperimentOptions options, Family family, int patch, long seed, string width)
    {
        if (options.Scale == Scale.Paper || (options.Scale == Scale.Gpu && options.Pretraining is not null))
            return FromClassifier(options, family, patch, seed, width);
        bool small = options.Scale is Scale.Smoke or Scale.Teach;
        var data = Data(options);
        var model = Model(options) with { PatchSize = patch, Classes = 0 };
        var task = new DetectionTask(
            !small ? new()
            : options.Data is null ? Small
            : Real
        );
        var run = new RunConfig
        {
            Model = model,
            Recipe = options.Budgeted(Recipe(options)),
            Data = data,
            Seed = seed,
            Task = task,
        };
        return small
            ? run with
            {
                StartsFrom = run with { Recipe = Pixels(options), Task = task with { Phase = DetectionPhase.Pixels } },
            }
            : run;
    }

    private static Family[] Families(ExperimentOptions options) =>
        options.Scale is Scale.Gpu or Scale.Paper ? [Family.Adventurer] : [Family.ViT];

    private static int[] Patches(ExperimentOptions options) =>
        (options.Scale, options.Data) switch
        {
            (Scale.Smoke, _) => [16, 8],
            (Scale.Teach, null) => [16, 8, 4],
            (Scale.Teach, _) => [32, 16, 8],
            (Scale.Gpu, _) => [32, 16, 8],
            _ => [32, 16, 8, 4, 2],
        };

    private static Recipe Recipe(ExperimentOptions options) =>
        options.Scale switch
        {
            Scale.Smoke => DetectionRecipes.Smoke,
            Scale.Teach => options.Data is null ? DetectionRecipes.Teach : DetectionRecipes.Images,
            Scale.Gpu => DetectionRecipes.Gpu,
            _ => DetectionRecipes.Paper,
        };

    private static Recipe Pixels(ExperimentOptions options) =>
        options.Scale == Scale.Smoke ? DetectionRecipes.SmokePixels
        : options.Data is null ? DetectionRecipes.Pixels
        : DetectionRecipes.ImagesPixels;

    private static BackboneConfig Model(ExperimentOptions options) =>
        options.Scale switch
        {
            Scale.Gpu => ModelZoo.Find("adventurer-tiny").Config,
            _ when options.Data is null => SmallNet.Vit(GeneratedSize, 1, 0) with { EmbedDim = 64, Heads = 4 },
            _ => SmallNet.Vit(1, 1, 0) with
            {
                Height = RealSize.Height,
                Width = RealSize.Width,
                EmbedDim = 64,
                Heads = 4,
            },
        };

    private static DataConfig Data(ExperimentOptions options) =>
        options.Data is null
            ? options.Scale is Scale.Smoke or Scale.Teach
                ? new GeneratedDataConfig
                {
                    Options = Images,
                    TestImages = options.Scale == Scale.Smoke ? 40 : 400,
                    Annotations = Annotations.Objects,
                }
                : throw new ArgumentException(
                    $"scale {options.Scale.Name()} trains on real images; name a folder in COCO's "
                        + "format with --data (data-scripts/coco.sh explains it), or use --scale teach."
                )
            : Folder(options);

    // A shorter side of 800 pixels at `paper` and `gpu`, 192 at most for the small nets.
    private static CocoDataConfig Folder(ExperimentOptions options)
    {
        var data =
            options.SizesOnly && PublishedData.Objects(options.Data!) is { } known
                ? known
                : s_folders.GetOrAdd(Path.GetFullPath(options.Data!), CocoDataConfig.In);
        return options.Scale is Scale.Smoke or Scale.Teach
            ? data with
            {
                Short = RealSize.Height,
                Longest = RealSize.Width,
            }
            : data;
    }
}
