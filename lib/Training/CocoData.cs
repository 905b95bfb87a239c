using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Data.Coco;
using PatchKit.Data.Loading;
using PatchKit.Data.Sets;
using PatchKit.Training.Recipes;

namespace PatchKit.Training;

/// <summary>A set in COCO's format at work in a run.</summary>
public sealed class CocoData : TrainingData
{
    private const int TestBatch = 8;
    private readonly CocoLoader _training,
        _test;
    private readonly BadSamples _bad;

    internal CocoData(
        CocoDataConfig config,
        Recipe recipe,
        long seed,
        CocoDataset training,
        CocoDataset test,
        BatchShare share
    )
    {
        (TestSet, EpochImages, _bad) = (test, config.EpochImages(recipe), new BadSamples(config.OnBadSample));
        var transform = new DetectionTransform { Resize = new ShortSideResize(config.Short, config.Longest) };
        _training = new CocoLoader(
            training,
            transform,
            new CocoLoaderOptions
            {
                BatchSize = recipe.BatchSize,
                Share = share,
                Shuffle = true,
                DropLast = true,
                FillGaps = true,
                Multiple = config.Multiple,
                Seed = seed,
            },
            _bad
        );
        _test = new CocoLoader(
            test,
            transform with
            {
                Flip = 0,
            },
            new CocoLoaderOptions { BatchSize = TestBatch, Multiple = config.Multiple },
            _bad
        );
    }

    /// <summary>The test images with all objects and crowds of the file, which predictions are scored with.</summary>
    public CocoDataset TestSet { get; }

    /// <inheritdoc/>
    public override CocoDataset? TestObjects => TestSet;

    /// <inheritdoc/>
    public override int Classes => TestSet.Classes.Count; // those of the training file

    /// <inheritdoc/>
    public override long EpochImages { get; }

    /// <inheritdoc/>
    public override int LeftOut => _bad.Count;

    /// <inheritdoc/>
    public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation) =>
        _training.Epoch(epoch, firstStep, cancellation);

    /// <inheritdoc/>
    public override IEnumerable<Batch> Test(CancellationToken cancellation) =>
        _test.Epoch(0, cancellation: cancellation);
}
