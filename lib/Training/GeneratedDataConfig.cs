using System.Text.Json.Serialization;
using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Data.Loading;
using PatchKit.Training.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>
/// Generated images (<see cref="MultiScaleBits"/>): fresh ones at every step, and as many others for the test.
/// </summary>
public sealed record GeneratedDataConfig : DataConfig
{
    /// <summary>What the images are made of.</summary>
    public MultiScaleBitsOptions Options { get; init; } = new();

    /// <summary>Test images.</summary>
    public int TestImages { get; init; } = 2000;

    /// <summary>
    /// Images are made at this size and then resized to the options' size with antialiasing, as photographs are: Figure
    /// 4's input sizes of one scene. 0 for no resizing.
    /// </summary>
    public int NativeSize { get; init; }

    /// <summary>
    /// What batches say beyond the images' classes: each pixel's class for segmentation, or the objects for detection.
    /// Not written where there is nothing, so that keys stay.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public Annotations Annotations { get; init; }

    /// <summary>The classes of objects; with dense labels the background is one more, number 0.</summary>
    public override int Classes => Options.Classes + (Annotations.HasFlag(Annotations.Dense) ? 1 : 0);

    /// <inheritdoc/>
    [JsonIgnore] // a list that cannot be set would be written all the same
    public override IReadOnlyList<string> ClassNames =>
        [
            .. Annotations.HasFlag(Annotations.Dense) ? ["background"] : Array.Empty<string>(),
            .. Enumerable.Range(0, Options.Classes).Select(Options.NameOf),
        ];

    /// <inheritdoc/>
    [JsonIgnore]
    public override Normalization Normalization => Normalization.Generated;

    /// <inheritdoc/>
    public override long EpochImages(Recipe recipe) => recipe.EpochImages;

    /// <inheritdoc/>
    public override string Title =>
        $"generated images, {Options.Height}x{Options.Width} pixels"
        + (NativeSize == 0 || NativeSize == Options.Height ? "" : $" resized from {NativeSize}x{NativeSize}");

    /// <inheritdoc/>
    public override TrainingData Open(Recipe recipe, long seed, Device device, BatchShare? share = null) =>
        new Endless(this, recipe, seed, share ?? BatchShare.Whole, device.type == DeviceType.CPU ? 0 : PaintedAhead);

    /// <summary>
    /// Batches that are painted while a GPU computes. On a CPU painting would take the processors that the step
    /// computes on.
    /// </summary>
    private const int PaintedAhead = 3;

    private sealed class Endless : TrainingData
    {
        private const int TestBatch = 250;
        private readonly GeneratedDataConfig _config;
        private readonly MultiScaleBits _training,
            _test;
        private readonly int _batch,
            _ahead;
        private readonly int[] _places;

        internal Endless(GeneratedDataConfig config, Recipe recipe, long seed, BatchShare share, int ahead)
        {
            if (recipe.EpochImages < recipe.BatchSize)
                throw new ArgumentException(
                    $"generated images have no end, and recipe {recipe.Name} gives an "
                        + $"epoch {recipe.EpochImages} of them for batches of {recipe.BatchSize}; set "
                        + "epochImages to at least a batch."
                );
            if (config.NativeSize > 0 && config.Annotations != Annotations.None)
                throw new ArgumentException(
                    $"images are made at {config.NativeSize} pixels and resized, but "
                        + $"their {config.Annotations} annotations are not; set nativeSize=0."
                );
            var options = config.NativeSize > 0 ? config.Options.Sized(config.NativeSize) : config.Options;
            (_config, _batch, _places, _ahead, EpochImages) = (
                config,
                recipe.BatchSize,
                share.Places(recipe.BatchSize),
                ahead,
                recipe.EpochImages
            );
            (_training, _test) = (
                new MultiScaleBits(seed, DataSplit.Training, options),
                new MultiScaleBits(seed, DataSplit.Test, options)
            );
        }

        public override int Classes => _config.Classes;

        public override long EpochImages { get; }

        public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation)
        {
            long steps = EpochImages / _batch;
            var firsts = Enumerable
                .Range(firstStep, (int)Math.Max(0, steps - firstStep))
                .Select(step => (epoch * steps + step) * _batch);
            if (_ahead > 0)
            {
                foreach (
                    var painted in Ahead.InOrder(
                        firsts,
                        first => _training.Painted(first, _places, _config.Annotations),
                        _ahead,
                        cancellation
                    )
                )
                    yield return Sized(painted());
                yield break;
            }
            foreach (long first in firsts.TakeWhile(_ => !cancellation.IsCancellationRequested))
                yield return Sized(_training.Batch(first, _places, _config.Annotations));
        }

        public override IEnumerable<Batch> Test(CancellationToken cancellation)
        {
            for (int first = 0; first < _config.TestImages && !cancellation.IsCancellationRequested; first += TestBatch)
                yield return Sized(
                    _test.Batch(first, Math.Min(TestBatch, _config.TestImages - first), _config.Annotations)
                );
        }

        private Batch Sized(Batch batch)
        {
            var (height, width) = (_config.Options.Height, _config.Options.Width);
            if (batch.Images.shape[2] == height && batch.Images.shape[3] == width)
                return batch;
            using var native = batch.Images;
            return batch with
            {
                Images = nn.functional.interpolate(
                    native,
                    [height, width],
                    mode: InterpolationMode.Bilinear,
                    align_corners: false,
                    antialias: height < native.shape[2]
                ),
            };
        }
    }
}
