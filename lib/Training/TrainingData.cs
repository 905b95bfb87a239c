using PatchKit.Data;
using PatchKit.Data.Coco;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>
/// What a run learns from and is tested on. A training batch depends on the seed, the epoch and its place in the epoch
/// alone, so that a run that was interrupted goes on with the very batch that came next.
/// </summary>
public abstract class TrainingData : IDisposable
{
    /// <summary>How many classes there are.</summary>
    public abstract int Classes { get; }

    /// <summary>Images in an epoch.</summary>
    public abstract long EpochImages { get; }

    /// <summary>How many files could not be read and were left out so far.</summary>
    public virtual int LeftOut => 0;

    /// <summary>
    /// The test images' set with all objects and crowds of its file, where it is one of COCO's format: predictions are
    /// scored with it.
    /// </summary>
    public virtual CocoDataset? TestObjects => null;

    /// <summary>The batches of an epoch; dispose each when it has been used.</summary>
    /// <param name="epoch">counted from 0.</param>
    /// <param name="firstStep">where in the epoch to begin.</param>
    /// <param name="cancellation">ends the epoch.</param>
    public abstract IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation);

    /// <summary>The test images, once, in order.</summary>
    /// <param name="cancellation">ends them.</param>
    public abstract IEnumerable<Batch> Test(CancellationToken cancellation);

    /// <summary>Closes what was opened.</summary>
    public virtual void Dispose() { }
}
