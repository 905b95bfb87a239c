using PatchKit.Data;
using PatchKit.Training;

namespace PatchKit.Tests.Training.Loop;

/// <summary>
/// Images that press the stop button after some batches: as a batch comes, or while the next one is waited for.
/// </summary>
/// <param name="Images">the images.</param>
/// <param name="After">how many batches.</param>
/// <param name="Waiting">while the next one is waited for.</param>
/// <param name="Stop">the button.</param>
internal sealed class StoppingData(TrainingData Images, int After, bool Waiting, CancellationTokenSource Stop)
    : TrainingData
{
    private int _given;

    public override int Classes => Images.Classes;

    public override long EpochImages => Images.EpochImages;

    public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation)
    {
        foreach (var batch in Images.Training(epoch, firstStep, cancellation))
        {
            bool last = ++_given == After;
            if (last && !Waiting)
                Stop.Cancel();
            yield return batch;
            if (last)
                Stop.Cancel();
        }
    }

    public override IEnumerable<Batch> Test(CancellationToken cancellation) => Images.Test(cancellation);
}
