using System.Text.Json.Serialization;
using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Loading;
using PatchKit.Data.Segmentation;
using PatchKit.Data.Sets;
using PatchKit.Training.Recipes;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>
/// Real images with the class of each pixel, from a folder in ADE20K's layout (<see cref="SegmentationFolder"/>):
/// random crops to learn from, whole validation images to test on.
/// </summary>
public sealed record SegmentationDataConfig : DataConfig
{
    private const int TestBatch = 16;

    /// <summary>The folder. Where it lies does not matter to a run's key; what is in it does.</summary>
    public required string Folder { get; init; }

    /// <summary>What the folder was found to hold, such as "ADE20K".</summary>
    public required string Name { get; init; }

    /// <summary>The content, as <see cref="SegmentationFolder.Fingerprint"/> has it for both parts.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The names of the classes, by number.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Training images.</summary>
    public required int TrainingImages { get; init; }

    /// <summary>Rows of a training crop.</summary>
    public required int Height { get; init; }

    /// <summary>Columns of a training crop.</summary>
    public required int Width { get; init; }

    /// <summary>
    /// The shorter side that images are resized to, before the random factor in training; 0 for their own.
    /// </summary>
    public int ShorterSide { get; init; }

    /// <summary>Whether the first image's height and width are those of all images that were looked at.</summary>
    [JsonIgnore]
    public bool OneSize { get; init; }

    /// <summary>What happens to pairs that cannot be read.</summary>
    [JsonIgnore]
    public BadSample OnBadSample { get; init; } = BadSample.Stop;

    /// <inheritdoc/>
    public override int Classes => Names.Count;

    /// <inheritdoc/>
    [JsonIgnore] // a list that cannot be set would be written all the same
    public override IReadOnlyList<string> ClassNames => Names;

    /// <inheritdoc/>
    public override long EpochImages(Recipe recipe) => recipe.EpochImages > 0 ? recipe.EpochImages : TrainingImages;

    /// <inheritdoc/>
    public override string Title => $"{Name}, {Height}x{Width} pixels";

    /// <summary>Looks into a folder.</summary>
    /// <param name="folder">the folder.</param>
    /// <param name="size">rows and columns of a training crop; the first image's where null.</param>
    /// <exception cref="ImageException">The folder has not ADE20K's layout.</exception>
    public static SegmentationDataConfig In(string folder, (int Height, int Width)? size = null)
    {
        SegmentationFolder training = SegmentationFolder.Open(folder, DataSplit.Training),
            test = SegmentationFolder.Open(folder, DataSplit.Test);
        foreach (var part in new[] { training, test })
            if (!part.HasLabels())
                throw new ImageException(
                    Path.GetDirectoryName(part.MaskFile(0))!,
                    $"has {part.Count:N0} label maps, and no pixel of any has a class: all are 0 or 255, "
                        + "which count for nothing. Number the classes from 1, as objectInfo does."
                );
        var sizes = Enumerable
            .Range(0, Math.Min(training.Count, 100))
            .Select(i => SizeOr(training, i * (training.Count / Math.Min(training.Count, 100))))
            .OfType<(int Width, int Height)>()
            .ToList();
        var own =
            sizes.Count > 0
                ? sizes[0]
                : throw new ImageException(Path.Combine(training.Folder, "images"), "has no image that can be read.");
        return new SegmentationDataConfig
        {
            Folder = Path.GetFullPath(folder),
            Name =
                training.Classes.Count == 150 && training.Count == 20_210
                    ? "ADE20K"
                    : $"{training.Count:N0} images of {training.Classes.Count} classes",
            Fingerprint = $"{training.Fingerprint()[..8]}{test.Fingerprint()[..8]}",
            Names = training.Classes,
            TrainingImages = training.Count,
            Height = size?.Height ?? own.Height,
            Width = size?.Width ?? own.Width,
            OneSize = sizes.Distinct().Count() == 1,
        };

        static (int, int)? SizeOr(SegmentationFolder part, int index)
        {
            try
            {
                return part.Size(index);
            }
            catch (ImageException)
            {
                return null; // met again, and said, when it is read
            }
        }
    }

    /// <inheritdoc/>
    public override DataConfig Reading(BadSample onBadSample) => this with { OnBadSample = onBadSample };

    /// <inheritdoc/>
    public override TrainingData Open(Recipe recipe, long seed, Device device, BatchShare? share = null)
    {
        SegmentationFolder training = SegmentationFolder.Open(Folder, DataSplit.Training),
            test = SegmentationFolder.Open(Folder, DataSplit.Test);
        string found = $"{training.Fingerprint()[..8]}{test.Fingerprint()[..8]}";
        if (found != Fingerprint)
            throw new ArgumentException(
                $"{Folder} holds images with the fingerprint {found}, but the run was begun "
                    + $"with {Name}, {Fingerprint}; give the same images, or begin another run."
            );
        return new Opened(this, training, test, recipe, seed, share ?? BatchShare.Whole);
    }

    /// <summary>An epoch that is longer than the set goes on into the set's next shuffle.</summary>
    private sealed class Opened : TrainingData
    {
        private readonly SegmentationDataConfig _config;
        private readonly SegmentationFolder _training;
        private readonly SegmentationLoader _learn,
            _test;
        private readonly BadSamples _bad;
        private readonly SegmentationTransform _transform;
        private readonly int _batch;
        private readonly int[] _places;
        private readonly long _seed;

        internal Opened(
            SegmentationDataConfig config,
            SegmentationFolder training,
            SegmentationFolder test,
            Recipe recipe,
            long seed,
            BatchShare share
        )
        {
            (_config, _training, _batch, _places, _seed, EpochImages) = (
                config,
                training,
                recipe.BatchSize,
                share.Places(recipe.BatchSize),
                seed,
                config.EpochImages(recipe)
            );
            _bad = new BadSamples(config.OnBadSample);
            (_learn, _test) = (new SegmentationLoader(training, _bad), new SegmentationLoader(test, _bad));
            _transform = new SegmentationTransform(config.Height, config.Width) { ShorterSide = config.ShorterSide };
        }

        public override int Classes => _config.Classes;

        public override long EpochImages { get; }

        public override int LeftOut => _bad.Count;

        public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation) =>
            _learn.Training(
                _transform,
                Batches(epoch, firstStep),
                _seed,
                cancellation,
                shared: _places.Length < _batch
            );

        public override IEnumerable<Batch> Test(CancellationToken cancellation) =>
            _test.Whole(_config.ShorterSide, TestBatch, Normalization.ImageNet, cancellation);

        private IEnumerable<(int, long)[]> Batches(int epoch, int firstStep)
        {
            long steps = EpochImages / _batch;
            var order = new EndlessOrder(_training.Count, _seed);
            for (long step = firstStep; step < steps; step++)
                yield return
                [
                    .. _places
                        .Select(place => (epoch * steps + step) * _batch + place)
                        .Select(position => (order[position], position)),
                ];
        }
    }
}
