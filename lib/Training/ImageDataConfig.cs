using System.Text.Json.Serialization;
using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Data.Loading;
using PatchKit.Data.Sets;
using PatchKit.Torch;
using PatchKit.Training.Recipes;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>
/// Real images from a folder (<see cref="DataFolder"/>). Sets of small images and packed sets of up to 8 GiB are held
/// in memory and augmented in tensor operations on the run's device: a shift by up to an eighth of the side, a flip,
/// and the recipe's erasing. Others are read from their files as they are needed, with the recipe's augmentation.
/// </summary>
public sealed record ImageDataConfig : DataConfig
{
    private const int TestBatch = 250,
        UsualSize = 224;
    private const long MostResidentBytes = 8L << 30;

    /// <summary>The folder. Where it lies does not matter to a run's key; what is in it does.</summary>
    public required string Folder { get; init; }

    /// <summary>What the folder was found to hold, such as "CIFAR-10".</summary>
    public required string Name { get; init; }

    /// <summary>The content, as <see cref="OpenedData.Fingerprint"/> has it.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The number of classes.</summary>
    public required int ClassCount { get; init; }

    /// <summary>
    /// The names of the classes, by number: what the model's scores are of. No part of a run's key, as the fingerprint
    /// has them; null in runs from before they were kept.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Names { get; init; }

    /// <inheritdoc/>
    [JsonIgnore] // a list that cannot be set would be written all the same
    public override IReadOnlyList<string> ClassNames => Names ?? base.ClassNames;

    /// <summary>Training images.</summary>
    public required int TrainingImages { get; init; }

    /// <summary>The side that images are resized to.</summary>
    public required int Size { get; init; }

    /// <summary>The evaluation crop: the square's side over the resized shorter side. 1 for small images.</summary>
    public double CropRatio { get; init; } = 1;

    /// <summary>What happens to images that cannot be read.</summary>
    [JsonIgnore]
    public BadSample OnBadSample { get; init; } = BadSample.Stop;

    /// <inheritdoc/>
    public override int Classes => ClassCount;

    /// <inheritdoc/>
    public override long EpochImages(Recipe recipe) => recipe.EpochImages > 0 ? recipe.EpochImages : TrainingImages;

    /// <inheritdoc/>
    public override string Title => $"{Name}, {Size}x{Size} pixels";

    /// <summary>Looks into a folder.</summary>
    /// <param name="folder">the folder.</param>
    /// <param name="size">the side that images are resized to; the images' own where null and they have one, else
    /// 224.</param>
    /// <exception cref="ArgumentException">The folder holds no set that PatchKit knows.</exception>
    public static ImageDataConfig In(string folder, int? size = null)
    {
        using var opened = DataFolder.Open(folder);
        return new ImageDataConfig
        {
            Folder = Path.GetFullPath(folder),
            Name = opened.Name,
            Fingerprint = opened.Fingerprint,
            ClassCount = opened.Training.Classes.Count,
            Names = opened.Training.Classes,
            TrainingImages = opened.Training.Count,
            Size = size ?? (opened.NativeSize > 0 ? opened.NativeSize : UsualSize),
        };
    }

    /// <inheritdoc/>
    public override DataConfig Reading(BadSample onBadSample) => this with { OnBadSample = onBadSample };

    /// <inheritdoc/>
    public override TrainingData Open(Recipe recipe, long seed, Device device, BatchShare? share = null)
    {
        var opened = DataFolder.Open(Folder);
        try
        {
            if (opened.Fingerprint != Fingerprint)
                throw new ArgumentException(
                    $"{Folder} holds {opened.Name} with the fingerprint {opened.Fingerprint}, but the run "
                        + $"was begun with {Name}, {Fingerprint}; give the same images, or begin another run."
                );
            return
                opened.NativeSize > 0
                && (opened.Training.Count + (long)opened.Test.Count) * 3 * Size * Size <= MostResidentBytes
                ? new Resident(this, opened, recipe, seed, device, share ?? BatchShare.Whole)
                : new Streamed(this, opened, recipe, seed, share ?? BatchShare.Whole);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>In memory. An epoch that is longer than the set goes on into the set's next shuffle.</summary>
    private sealed class Resident : TrainingData
    {
        private readonly OpenedData _opened;
        private readonly ResidentImages _training;
        private readonly Lazy<ResidentImages> _test;
        private readonly BatchTransform _augment;
        private readonly Device _device;
        private readonly int _batch;
        private readonly int[] _places;
        private readonly long _seed;

        internal Resident(
            ImageDataConfig config,
            OpenedData opened,
            Recipe recipe,
            long seed,
            Device device,
            BatchShare share
        )
        {
            (_opened, _device, _batch, _places, _seed, EpochImages) = (
                opened,
                device,
                recipe.BatchSize,
                share.Places(recipe.BatchSize),
                seed,
                config.EpochImages(recipe)
            );
            _training = ResidentImages.Read(opened.Training, config.Size, device);
            _test = new(() => ResidentImages.Read(opened.Test, config.Size, device));
            _augment = new BatchTransform(config.Size)
            {
                Padding = config.Size / 8,
                Jitter = recipe.ThreeAugment ? new ColorJitter() : null,
                Erasing = recipe.RandomErasing > 0 ? new RandomErasing(recipe.RandomErasing) : null,
            };
        }

        public override int Classes => _opened.Training.Classes.Count;

        public override long EpochImages { get; }

        public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation)
        {
            long steps = EpochImages / _batch;
            var order = new EndlessOrder(_training.Count, _seed);
            var indices = new int[_places.Length];
            for (long step = firstStep; step < steps && !cancellation.IsCancellationRequested; step++)
            {
                for (int i = 0; i < indices.Length; i++)
                    indices[i] = order[(epoch * steps + step) * _batch + _places[i]];
                using var bytes = _training.Batch(indices);
                yield return new Batch(
                    Augmented(bytes.Images, epoch, step, epoch * steps + step),
                    bytes.Labels.alias()
                );
            }
        }

        private Tensor Augmented(Tensor images, int epoch, long step, long place)
        {
            using var noise = Engine.Seeded(_device, new SampleRandom(_seed, place, -3).Below(int.MaxValue));
            return _augment.Apply(images, _seed, epoch, step * _batch, share: (_batch, _places));
        }

        public override IEnumerable<Batch> Test(CancellationToken cancellation)
        {
            for (int first = 0; first < _test.Value.Count && !cancellation.IsCancellationRequested; first += TestBatch)
            {
                using var bytes = _test.Value.Batch([
                    .. Enumerable.Range(first, Math.Min(TestBatch, _test.Value.Count - first)),
                ]);
                yield return new Batch(BatchAugment.Normalize(bytes.Images), bytes.Labels.alias());
            }
        }

        public override void Dispose()
        {
            _training.Dispose();
            if (_test.IsValueCreated)
                _test.Value.Dispose();
            _opened.Dispose();
        }
    }

    /// <summary>From files, on threads.</summary>
    private sealed class Streamed : TrainingData
    {
        private readonly OpenedData _opened;
        private readonly ImageLoader _training,
            _test;

        internal Streamed(ImageDataConfig config, OpenedData opened, Recipe recipe, long seed, BatchShare share)
        {
            var transform =
                recipe.ThreeAugment ? TrainTransform.WithThreeAugment(config.Size)
                : recipe.RandAugment != "" ? TrainTransform.WithRandAugment(config.Size, recipe.RandomErasing)
                : new TrainTransform(config.Size)
                {
                    Erasing = recipe.RandomErasing > 0 ? new RandomErasing(recipe.RandomErasing) : null,
                };
            // The official ranks deal the sampler's list out one by one; together they take the same batches of it as
            // shares of the whole list do.
            var sampler = recipe.RepeatedAugmentation ? new RepeatedAugmentationSampler(opened.Training.Count) : null;
            (_opened, EpochImages) = (opened, sampler?.Length ?? opened.Training.Count);
            if (recipe.EpochImages > 0 && recipe.EpochImages != EpochImages)
                throw new ArgumentException(
                    $"recipe {recipe.Name} gives an epoch {recipe.EpochImages:N0} images, "
                        + $"but {config.Folder} has {EpochImages:N0}; set epochImages=0, or pack the set "
                        + "(patchkit data pack)."
                );
            _training = new ImageLoader(
                opened.Training,
                transform,
                new()
                {
                    BatchSize = recipe.BatchSize,
                    Share = share,
                    Shuffle = true,
                    DropLast = true,
                    FillGaps = true,
                    Seed = seed,
                    Order = sampler is null ? null : epoch => sampler.Indices(0, epoch),
                },
                new BadSamples(config.OnBadSample)
            );
            _test = new ImageLoader(
                opened.Test,
                new EvalTransform(config.Size, config.CropRatio),
                new() { BatchSize = TestBatch },
                new BadSamples(config.OnBadSample)
            );
        }

        public override int Classes => _opened.Training.Classes.Count;

        public override long EpochImages { get; }

        public override int LeftOut => _training.Bad.Count + _test.Bad.Count;

        public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation) =>
            _training.Epoch(epoch, firstStep, cancellation);

        public override IEnumerable<Batch> Test(CancellationToken cancellation) => _test.Epoch(0, 0, cancellation);

        public override void Dispose() => _opened.Dispose();
    }
}
