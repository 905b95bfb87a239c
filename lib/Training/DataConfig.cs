using System.Text.Json.Serialization;
using PatchKit.Data.Augment;
using PatchKit.Data.Loading;
using PatchKit.Data.Sets;
using PatchKit.Training.Recipes;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>Which images a run learns from; part of what the run's cache is keyed by.</summary>
[JsonDerivedType(typeof(GeneratedDataConfig), "generated"), JsonDerivedType(typeof(ImageDataConfig), "images")]
[JsonDerivedType(typeof(SegmentationDataConfig), "segmentation"), JsonDerivedType(typeof(CocoDataConfig), "coco")]
public abstract record DataConfig
{
    /// <summary>What a report calls the images.</summary>
    [JsonIgnore]
    public abstract string Title { get; }

    /// <summary>The number of classes.</summary>
    [JsonIgnore]
    public abstract int Classes { get; }

    /// <summary>The names of the classes, by number, where they are known; else their numbers.</summary>
    [JsonIgnore]
    public virtual IReadOnlyList<string> ClassNames => [.. Enumerable.Range(0, Classes).Select(i => $"class {i}")];

    /// <summary>What bytes of an image file become for a model that learnt from this set.</summary>
    [JsonIgnore]
    public virtual Normalization Normalization => Normalization.ImageNet;

    /// <summary>Images in an epoch, but for the last ones where a sampler leaves some out.</summary>
    /// <param name="recipe">which may say how many.</param>
    public abstract long EpochImages(Recipe recipe);

    /// <summary>The same set, with what happens to samples that cannot be read; no part of a run's key.</summary>
    public virtual DataConfig Reading(BadSample onBadSample) => this;

    /// <summary>Opens the set for a run.</summary>
    /// <param name="recipe">batch size, epochs and augmentation.</param>
    /// <param name="seed">the run's seed.</param>
    /// <param name="device">where batches are augmented, where that is done in tensor operations.</param>
    /// <param name="share">this process's share of every training batch, where several train together; test images are
    /// given whole.</param>
    /// <exception cref="ArgumentException">The set is not what it was, or does not fit the recipe.</exception>
    public abstract TrainingData Open(Recipe recipe, long seed, Device device, BatchShare? share = null);
}
