using System.Text.Json.Serialization;
using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Data.Loading;
using PatchKit.Data.Sets;
using PatchKit.Training.Recipes;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>
/// Images with boxes and masks in COCO's format (<see cref="CocoDataset"/>), read from their files as they are needed.
/// </summary>
public sealed record CocoDataConfig : DataConfig
{
    /// <summary>The folder or archive. Where it lies does not matter to a run's key; what is in it does.</summary>
    public required string Folder { get; init; }

    /// <summary>What reports call it: the folder's name.</summary>
    public required string Name { get; init; }

    /// <summary>A hash over both files, all that is in them, and over the bytes of the images.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The categories, in the order of their ids: a class is a place in this list.</summary>
    public required IReadOnlyList<CocoCategory> Categories { get; init; }

    /// <summary>
    /// Training images that are at least as wide as high, and the others: batches are of one kind, and those that are
    /// not full are left out.
    /// </summary>
    public required (int Wide, int Tall) TrainingImages { get; init; }

    /// <summary>The length of an image's shorter side.</summary>
    public int Short { get; init; } = 800;

    /// <summary>The most that its longer side may have.</summary>
    public int Longest { get; init; } = 1333;

    /// <summary>
    /// Batches are padded to multiples of this: the largest patch or stride of an experiment, so that all of its runs
    /// see the same images.
    /// </summary>
    public int Multiple { get; init; } = 32;

    /// <summary>Whether no object that is learnt from has a mask, so that boxes alone are learnt and scored.</summary>
    [JsonIgnore]
    public bool BoxesAlone { get; init; }

    /// <summary>What happens to images that cannot be read.</summary>
    [JsonIgnore]
    public BadSample OnBadSample { get; init; } = BadSample.Stop;

    /// <inheritdoc/>
    public override string Title => $"{Name}, shorter side {Short} pixels";

    /// <inheritdoc/>
    public override int Classes => Categories.Count;

    /// <inheritdoc/>
    [JsonIgnore] // the categories say them
    public override IReadOnlyList<string> ClassNames => [.. Categories.Select(category => category.Name)];

    /// <summary>Looks into a folder.</summary>
    /// <param name="folder">as data-scripts/coco.sh makes it, or an archive of one.</param>
    /// <exception cref="ImageException">There is no such set, or it is damaged.</exception>
    public static CocoDataConfig In(string folder)
    {
        var (training, test) = Parts(folder);
        if (!test.HasObjects)
            throw new ImageException(
                test.Instances.Name,
                $"has {test.Count:N0} images and no object to be found in them, so that nothing could be "
                    + "scored; look at its annotations."
            );
        int wide = Enumerable.Range(0, training.Count).Count(i => training.Image(i).Width >= training.Image(i).Height);
        string path = Path.GetFullPath(folder);
        return new CocoDataConfig
        {
            Folder = path,
            Name = Path.GetFileName(path.TrimEnd('/')),
            Fingerprint = Hash(training, test),
            Categories = training.Instances.Categories,
            TrainingImages = (wide, training.Count - wide),
            BoxesAlone = !training.HasMasks,
        };
    }

    /// <inheritdoc/>
    public override DataConfig Reading(BadSample onBadSample) => this with { OnBadSample = onBadSample };

    /// <inheritdoc/>
    public override long EpochImages(Recipe recipe)
    {
        long whole =
            (TrainingImages.Wide / recipe.BatchSize + TrainingImages.Tall / recipe.BatchSize) * (long)recipe.BatchSize;
        return recipe.EpochImages > 0 ? Math.Min(recipe.EpochImages, whole) : whole;
    }

    /// <inheritdoc/>
    public override TrainingData Open(Recipe recipe, long seed, Device device, BatchShare? share = null)
    {
        var (training, test) = Parts(Folder);
        if (Hash(training, test) != Fingerprint)
            throw new ArgumentException(
                $"{Folder} is not the set that it was when the run was made; name the folder anew."
            );
        if (OnBadSample == BadSample.Stop)
            foreach (var part in new[] { training, test })
                part.CheckMasks();
        return new CocoData(this, recipe, seed, training, test, share ?? BatchShare.Whole);
    }

    // The classes are the training file's; the other's categories are known by their names.
    private static (CocoDataset Training, CocoDataset Test) Parts(string folder)
    {
        var training = CocoDataset.Open(folder, DataSplit.Training);
        return (training, CocoDataset.Open(folder, DataSplit.Test, learnt: training.Instances.Categories));
    }

    private static string Hash(params CocoDataset[] sets)
    {
        using var hash = new ContentHash();
        foreach (var set in sets)
            set.AddTo(hash);
        return hash.Digits();
    }
}
