using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Metrics;
using PatchKit.Torch;
using PatchKit.Training.Loop;
using PatchKit.Training.Runs;

namespace PatchKit.Training.Tasks;

/// <summary>Scores a run's model on the test images, as many at a time as fit into memory.</summary>
internal static class TestPass
{
    /// <summary>
    /// As <see cref="TaskRun.Evaluate"/>; where memory runs out it begins anew with half as many images at a time, or
    /// says so.
    /// </summary>
    /// <exception cref="TrainingException">They do not fit, and may not be or cannot be taken fewer at a
    /// time.</exception>
    internal static (EvaluationResult Test, TaskResult? Scores) Evaluate(
        TaskRun task,
        TrainingData data,
        RunOptions options,
        CancellationToken cancellation
    )
    {
        var parts = new InParts(data);
        while (true)
        {
            try
            {
                return task.Evaluate(parts, options.Device, cancellation);
            }
            catch (Exception e) when (Engine.IsOutOfMemory(e))
            {
                Engine.ReleaseMemory();
                if (parts.Largest == 0)
                    throw new TrainingException(
                        $"the test images themselves do not fit into {StepMemory.Room(options.Device)}; use "
                            + "smaller images, or a device with more memory. What was trained is saved.",
                        e
                    );
                string what =
                    $"testing {StepMemory.Images(parts.Largest)} at a time does not fit "
                    + $"into {StepMemory.Room(options.Device)}";
                if (parts.Largest == 1)
                    throw new TrainingException(
                        $"{what}; use a smaller model, larger patches or smaller images, or a device with more memory.",
                        e
                    );
                if (!options.AutoBatch)
                    throw new TrainingException(
                        $"{what}; give --auto-batch, which takes fewer at a time until they fit. What was "
                            + "trained is saved.",
                        e
                    );
                parts.Halve();
                options.Say?.Invoke($"{what}; the test begins anew with {StepMemory.Images(parts.Most)} at a time");
            }
        }
    }

    /// <summary>A set whose test batches are cut into parts of no more than so many images.</summary>
    private sealed class InParts(TrainingData data) : TrainingData
    {
        internal int Most { get; private set; } = int.MaxValue;

        /// <summary>The images of the largest batch that was given out since the number was last halved.</summary>
        internal int Largest { get; private set; }

        public override int Classes => data.Classes;

        public override long EpochImages => data.EpochImages;

        public override int LeftOut => data.LeftOut;

        public override CocoDataset? TestObjects => data.TestObjects;

        internal void Halve() => (Most, Largest) = (Largest / 2, 0);

        public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation) =>
            data.Training(epoch, firstStep, cancellation);

        public override IEnumerable<Batch> Test(CancellationToken cancellation)
        {
            foreach (var whole in data.Test(cancellation))
            {
                using (whole)
                    foreach (var part in whole.Parts(Most))
                    {
                        Largest = Math.Max(Largest, (int)part.Images.shape[0]);
                        yield return part;
                    }
            }
        }
    }
}
