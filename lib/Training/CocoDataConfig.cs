using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using PatchKit.Data;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>Images with boxes and masks in COCO's format (<see cref="CocoDataset"/>), read from their files as they are needed.</summary>
public sealed record CocoDataConfig : DataConfig
{
    /// <summary>The folder or archive. Where it lies does not matter to a run's key; what is in it does.</summary>
    public required string Folder { get; init; }

    /// <summary>What reports call it: the folder's name.</summary>
    public required string Name { get; init; }

    /// <summary>A hash over images, boxes, areas and categories.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The categories, in the order of their ids: a class is a place in this list.</summary>
    public required IReadOnlyList<CocoCategory> Categories { get; init; }

    /// <summary>Training images that are at least as wide as high, and the others: batches are of one kind, and those that are not full are left out.</summary>
    public required (int Wide, int Tall) TrainingImages { get; init; }

    /// <summary>The length of an image's shorter side.</summary>
    public int Short { get; init; } = 800;

    /// <summary>The most that its longer side may have.</summary>
    public int Longest { get; init; } = 1333;

    /// <summary>Batches are padded to multiples of this: the largest patch or stride of an experiment, so that all of its runs see the same images.</summary>
    public int Multiple { get; init; } = 32;

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
        var (training, test) = (CocoDataset.Open(folder, DataSplit.Training), CocoDataset.Open(folder, DataSplit.Test));
        int wide = Enumerable.Range(0, training.Count).Count(i => training.Image(i).Width >= training.Image(i).Height);
        string path = Path.GetFullPath(folder);
        return new CocoDataConfig
        {
            Folder = path, Name = Path.GetFileName(path.TrimEnd('/')), Fingerprint = Hash(training, test), Categories = training.Instances.Categories, TrainingImages = (wide, training.Count - wide),
        };
    }

    /// <inheritdoc/>
    public override DataConfig Reading(BadSample onBadSample) => this with { OnBadSample = onBadSample };

    /// <inheritdoc/>
    public override long EpochImages(Recipe recipe)
    {
        long whole = (TrainingImages.Wide / recipe.BatchSize + TrainingImages.Tall / recipe.BatchSize) * (long)recipe.BatchSize;
        return recipe.EpochImages > 0 ? Math.Min(recipe.EpochImages, whole) : whole;
    }

    /// <inheritdoc/>
    public override TrainingData Open(Recipe recipe, long seed, Device device, BatchShare? share = null)
    {
        var (training, test) = (CocoDataset.Open(Folder, DataSplit.Training), CocoDataset.Open(Folder, DataSplit.Test));
        if (Hash(training, test) != Fingerprint) throw new ArgumentException($"{Folder} is not the set that it was when the run was made; name the folder anew.");
        return new CocoData(this, recipe, seed, training, test, share ?? BatchShare.Whole);
    }

    private static string Hash(params CocoDataset[] sets)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var set in sets)
        {
            foreach (var category in set.Instances.Categories) Add($"{category.Id} {category.Name}");
            foreach (var image in set.Instances.Images)
            {
                Add(string.Create(CultureInfo.InvariantCulture, $"{image.Id} {image.FileName} {image.Width} {image.Height}"));
                foreach (var entry in set.Instances.Of(image.Id)) Add(string.Create(CultureInfo.InvariantCulture, $"{entry.Id} {entry.CategoryId} {entry.IsCrowd} {entry.Area:R} {entry.Box.X:R} {entry.Box.Y:R} {entry.Box.Width:R} {entry.Box.Height:R}"));
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];

        void Add(string line) => hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
    }
}
