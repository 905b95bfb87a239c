using PatchKit.Data;
using PatchKit.Experiments.Sweeps;
using PatchKit.Models;
using PatchKit.Models.Segmentation;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;

namespace PatchKit.Experiments;

/// <summary>
/// One run by a recipe, as `patchkit train` takes it: what was asked for, and the configuration that this means. What
/// is not named is the recipe's usual, so that the run is the one that an experiment has.
/// </summary>
public sealed record RunRequest
{
    private const string SmallVit = "small-vit",
        SmallAdventurer = "small-adventurer";

    /// <summary>One of <see cref="RecipeBook"/>, whose settings may have been changed.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>A small net or a preset of <see cref="ModelZoo"/>; the recipe's first where null.</summary>
    public string? Model { get; init; }

    /// <summary>The image's side in pixels; the set's or the model's own where null.</summary>
    public int? Input { get; init; }

    /// <summary>p; the earlier run's or the model's own where null.</summary>
    public int? Patch { get; init; }

    /// <summary>A folder of images; generated ones where null.</summary>
    public string? Data { get; init; }

    /// <summary>The run whose weights it starts from.</summary>
    public RunConfig? Start { get; init; }

    /// <summary>
    /// Whether the patch embedding may be resized where the earlier run has another patch size.
    /// </summary>
    public bool TransferPatch { get; init; }

    /// <summary>What stands on the backbone, in recipes of segmentation.</summary>
    public DecoderKind Decoder { get; init; }

    /// <summary>UperNet's width; 64 for small nets and the paper's for others where null.</summary>
    public int? Channels { get; init; }

    /// <summary>Whether an FCN head is trained beside the decoder.</summary>
    public bool Auxiliary { get; init; }

    /// <summary>Seeds weights, images, order and augmentation.</summary>
    public long Seed { get; init; }

    private string ModelName => Model ?? Recipe.Models[0];

    private bool IsSmall => ModelName is SmallVit or SmallAdventurer;

    /// <summary>The run's configuration.</summary>
    /// <exception cref="ArgumentException">The recipe needs images or an earlier run, there is no such model, or the
    /// choices do not go together.</exception>
    public RunConfig ToConfig()
    {
        bool resized = IsPatchResized();
        var config =
            SegmentationRecipes.All.Any(IsOfRecipe) ? Segmentation()
            : DetectionRecipes.All.Any(IsOfRecipe) ? DetectionGrid.Of(Recipe, Patch, Data, Start)
            : Classification();
        return config with { Seed = Seed, TransferPatch = resized };
    }

    /// <summary>A model by its name.</summary>
    /// <exception cref="ArgumentException">There is no such model; the message has the nearest name.</exception>
    public static BackboneConfig ModelOf(string name)
    {
        string[] names = [SmallVit, SmallAdventurer, .. ModelZoo.Presets.Select(preset => preset.Name)];
        if (!names.Contains(name))
            throw new ArgumentException(
                $"there is no model \"{name}\"; did you mean {NearestName.Of(name, names)}? There "
                    + $"are {string.Join(", ", names)}."
            );
        return name switch
        {
            SmallVit => SmallNet.Vit(1, 1, 1),
            SmallAdventurer => SmallNet.Adventurer(1, 1, 1),
            _ => ModelZoo.Find(name).Config,
        };
    }

    /// <summary>Whether a recipe is of small nets.</summary>
    internal static bool IsOfSmallNets(Recipe recipe) => recipe.Models.Contains(SmallVit);

    // A recipe's name stays when its settings are changed.
    private bool IsOfRecipe(Recipe own) => own.Name == Recipe.Name;

    private bool IsPatchResized()
    {
        if (Start is null && TransferPatch)
            throw new ArgumentException(
                "--transfer-patch resizes the patch embedding of the weights that a run starts from; "
                    + "name them with --start, or leave it out."
            );
        if (Start is null || Patch is not { } size || size == Start.Model.PatchSize)
            return false;
        if (!TransferPatch)
            throw new ArgumentException(
                $"--start {Start.Key} has patch size {Start.Model.PatchSize}, but --patch {size} was given; "
                    + "add --transfer-patch to resize its patch embedding, or leave --patch out."
            );
        return true;
    }

    // ---- classification --------------------------------------------------------------------------------

    private RunConfig Classification()
    {
        if (Recipe.StartsFrom is { } earlier && Start is null)
            throw new ArgumentException(
                $"recipe {Recipe.Name} starts from weights of {earlier}; train that first and give the key "
                    + "of its run with --start (`patchkit runs` lists them)."
            );
        var preset = ModelOf(ModelName);
        DataConfig data = Data is { } folder ? ImageDataConfig.In(folder, Input) : GeneratedImages(preset);
        int size = data is ImageDataConfig images ? images.Size : ((GeneratedDataConfig)data).Options.Height;
        return new RunConfig
        {
            Model = preset with
            {
                Height = size,
                Width = size,
                PatchSize = Patch ?? Start?.Model.PatchSize ?? (IsSmall ? 4 : preset.PatchSize),
                Classes = data.Classes,
            },
            Recipe = Recipe,
            Data = data,
            StartsFrom = Start,
        };
    }

    private GeneratedDataConfig GeneratedImages(BackboneConfig preset)
    {
        if (Recipe.EpochImages == 0 || Recipe.Name == Small.Images.Name)
        {
            string source =
                IsSmall || Recipe.Name == Small.Gpu.Name
                    ? "`patchkit data fetch cifar10` gets one"
                    : "ImageNet-1k: `patchkit data fetch imagenet` says how to get it";
            throw new ArgumentException(
                $"recipe {Recipe.Name} trains on real images; name their folder with --data ({source}), or "
                    + "take --recipe teach, which makes its own."
            );
        }
        return new()
        {
            Options = new MultiScaleBitsOptions().Sized(Input ?? (IsSmall ? 16 : preset.Height)),
            // the experiments' runs are the same ones
            TestImages = Recipe.Name == Small.Smoke.Name ? 500 : new GeneratedDataConfig().TestImages,
        };
    }

    // ---- segmentation ----------------------------------------------------------------------------------

    // The backbone is the earlier run's; without one it is drawn anew.
    private RunConfig Segmentation()
    {
        if (Start is not null && Model is not null)
            throw new ArgumentException($"--start {Start.Key} says the model, {Start}; leave --model out.");
        bool small = Start is null ? IsSmall : Start.Model.Init == WeightInit.FanIn;
        var (data, height, width) = Data is { } folder ? Scenes(folder, small) : GeneratedScenes();
        var backbone = Start?.Model ?? ModelOf(ModelName);
        return new RunConfig
        {
            Model = backbone with
            {
                Height = height,
                Width = width,
                PatchSize = Patch ?? Start?.Model.PatchSize ?? (small ? 4 : 16),
                Classes = 0,
            },
            Recipe = Recipe,
            Data = data,
            StartsFrom = Start,
            Task = new SegmentationTask
            {
                Decoder = new()
                {
                    Decoder = Decoder,
                    Channels =
                        Decoder == DecoderKind.Linear ? 0 : Channels ?? (small ? 64 : SegmentationConfig.PaperChannels),
                    Auxiliary = Auxiliary,
                },
            },
        };
    }

    private (DataConfig Data, int Height, int Width) Scenes(string folder, bool small)
    {
        int? side = Input ?? (small ? null : 512);
        var data = SegmentationDataConfig.In(folder, side is { } length ? (length, length) : null) with
        {
            ShorterSide = side ?? 0,
        };
        return (data, data.Height, data.Width);
    }

    private (DataConfig Data, int Height, int Width) GeneratedScenes()
    {
        if (!IsOfSmallNets(Recipe) || Recipe.Name == SegmentationRecipes.Images.Name)
            throw new ArgumentException(
                $"recipe {Recipe.Name} segments real images; name their folder, in ADE20K's layout, with "
                    + "--data (data-scripts/ade20k.sh says how to get it), or take "
                    + $"--recipe {SegmentationRecipes.Teach.Name}, which makes its own."
            );
        var scenes = MultiScaleBitsOptions.Segmentation;
        scenes = scenes.Sized(Input ?? scenes.Height);
        var data = new GeneratedDataConfig
        {
            Options = scenes,
            TestImages = Recipe.Name == SegmentationRecipes.Smoke.Name ? 100 : 500,
            Annotations = Annotations.Dense,
        };
        return (data, scenes.Height, scenes.Width);
    }
}
