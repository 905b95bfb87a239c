using PatchKit.Data;
using PatchKit.Torch;
using TorchSharp.Modules;

namespace PatchKit.Training.Loop;

/// <summary>
/// What happens when memory runs out: what did not fit is freed, and the step is taken again, with the same seed, in
/// more parts; or the run ends with a sentence that says what would fit.
/// </summary>
/// <param name="options">whether more parts may be taken, and who is told.</param>
/// <param name="memory">what a step needs.</param>
/// <param name="step">the step.</param>
/// <param name="optimizer">holds gradients.</param>
/// <param name="batches">may fetch ahead, for which there is less room than for a step alone.</param>
/// <param name="parallel">the ranks that train together; null for one.</param>
/// <param name="meter">where the run stands.</param>
/// <param name="saves">saves what was done before the run ends.</param>
internal sealed class MemoryRecovery(
    TrainerOptions options,
    StepMemory memory,
    TrainingStep step,
    AdamW optimizer,
    BatchesAhead batches,
    DataParallel? parallel,
    TrainingMeter meter,
    TrainerSaves saves
)
{
    // A rank cannot take more parts by itself: within a step the others wait for gradients that do not come.
    private bool IsAlone => parallel is null;

    /// <summary>Takes a step, in as many parts as it fits in; null where it was cancelled.</summary>
    /// <exception cref="TrainingException">It does not fit.</exception>
    internal StepTaken? Take(Func<StepTaken?> take)
    {
        while (true)
        {
            try
            {
                return take();
            }
            catch (Exception e) when (Engine.IsOutOfMemory(e))
            {
                MakeRoom(e, IsAlone);
            }
        }
    }

    /// <summary>
    /// Ranks find the number of parts before their first step, each by itself, and all take the largest.
    /// </summary>
    /// <exception cref="TrainingException">A step does not fit.</exception>
    internal void AgreeOnParts(Batch batch)
    {
        for (int parts = 0; parts != step.Parts; )
        {
            parallel!.Accumulation = parts = step.Parts;
            try
            {
                step.Rehearse(batch, meter.Step);
            }
            catch (Exception e) when (Engine.IsOutOfMemory(e))
            {
                MakeRoom(e, alone: true);
            }
        }
        optimizer.zero_grad();
        parallel!.Accumulation = step.Parts = parallel.Most(step.Parts);
    }

    /// <summary>
    /// For a batch that is made on the device: it may have room when it is due, and none beside the step before.
    /// </summary>
    /// <exception cref="TrainingException">It does not fit.</exception>
    internal void MakeRoomForBatch(Exception e)
    {
        if (batches.MayFetch && step.IsWhole && IsAlone)
            Engine.ReleaseMemory();
        else
            MakeRoom(e, IsAlone);
        batches.MayFetch = false;
    }

    /// <summary>Goes on with the parts that a run was in.</summary>
    internal void Resume(int parts)
    {
        if (options.AutoBatch && memory.Batch % parts == 0)
            step.Parts = Math.Max(step.Parts, parts);
    }

    private void MakeRoom(Exception e, bool alone)
    {
        optimizer.zero_grad();
        Engine.ReleaseMemory();
        if (!step.IsWhole)
            throw new TrainingException(
                $"memory ran out while the optimizer changed the weights in step {meter.Step}, so that they are "
                    + $"of no step: {e.Message}{Kept()}",
                e
            );
        if (!options.AutoBatch || !alone || memory.MoreParts(step.Parts) is not { } parts)
        {
            saves.SaveProgress();
            throw new TrainingException($"{memory.TooLarge(step.Parts, offer: !options.AutoBatch)}{Kept()}", e);
        }
        options.Say?.Invoke(
            $"step {meter.Step} does not fit into memory with {StepMemory.Images(memory.Batch / step.Parts)} at a "
                + $"time; it is done again, and the run goes on, in {parts} "
                + $"parts, {StepMemory.Images(memory.Batch / parts)} at a time"
        );
        step.Parts = parts;

        string Kept() => saves.Kept is { } folder ? $" The checkpoint is in {folder}." : "";
    }
}
