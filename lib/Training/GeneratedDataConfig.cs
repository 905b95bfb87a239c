using PatchKit.Data;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>Generated images (<see cref="MultiScaleBits"/>): fresh ones at every step, and as many others for the test.</summary>
public sealed record GeneratedDataConfig : DataConfig
{
    /// <summary>What the images are made of.</summary>
    public MultiScaleBitsOptions Options { get; init; } = new();

    /// <summary>Test images.</summary>
    public int TestImages { get; init; } = 2000;

    /// <summary>
    /// Images are made at this size and then resized to the options' size with antialiasing, as photographs are: Figure 4's input sizes of one scene.
    /// 0 for no resizing.
    /// </summary>
    public int NativeSize { get; init; }

    /// <inheritdoc/>
    public override int Classes => Options.Classes;

    /// <inheritdoc/>
    public override long EpochImages(Recipe recipe) => recipe.EpochImages;

    /// <inheritdoc/>
    public override string Title => $"generated images, {Options.Height}x{Options.Width} pixels{(NativeSize == 0 || NativeSize == Options.Height ? "" : $" resized from {NativeSize}x{NativeSize}")}";

    /// <inheritdoc/>
    public override TrainingData Open(Recipe recipe, long seed, Device device) => new Endless(this, recipe, seed);

    private sealed class Endless : TrainingData
    {
        private const int TestBatch = 250;
        private readonly GeneratedDataConfig _config;
        private readonly MultiScaleBits _training, _test;
        private readonly int _batch;

        internal Endless(GeneratedDataConfig config, Recipe recipe, long seed)
        {
            if (recipe.EpochImages < recipe.BatchSize)
                throw new ArgumentException($"generated images have no end, and recipe {recipe.Name} gives an epoch {recipe.EpochImages} of them for batches of {recipe.BatchSize}; set epochImages to at least a batch.");
            var options = config.NativeSize > 0 ? config.Options.Sized(config.NativeSize) : config.Options;
            (_config, _batch, EpochImages) = (config, recipe.BatchSize, recipe.EpochImages);
            (_training, _test) = (new MultiScaleBits(seed, DataSplit.Training, options), new MultiScaleBits(seed, DataSplit.Test, options));
        }

        public override int Classes => _training.Options.Classes;

        public override long EpochImages { get; }

        public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation)
        {
            long steps = EpochImages / _batch;
            for (long step = firstStep; step < steps && !cancellation.IsCancellationRequested; step++)
                yield return Sized(_training.Batch((epoch * steps + step) * _batch, _batch));
        }

        public override IEnumerable<Batch> Test(CancellationToken cancellation)
        {
            for (int first = 0; first < _config.TestImages && !cancellation.IsCancellationRequested; first += TestBatch)
                yield return Sized(_test.Batch(first, Math.Min(TestBatch, _config.TestImages - first)));
        }

        private Batch Sized(Batch batch)
        {
            var (height, width) = (_config.Options.Height, _config.Options.Width);
            if (batch.Images.shape[2] == height && batch.Images.shape[3] == width) return batch;
            using var native = batch.Images;
            return batch with { Images = nn.functional.interpolate(native, [height, width], mode: InterpolationMode.Bilinear, align_corners: false, antialias: height < native.shape[2]) };
        }
    }
}
