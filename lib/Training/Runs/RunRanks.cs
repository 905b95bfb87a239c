using System.Text.Json;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Loop;

namespace PatchKit.Training.Runs;

/// <summary>
/// The ranks that train a run together go the same way: rank 0 alone reads and writes the folder, the others are told,
/// and when one is lost all end. Without a group there is one rank, the leading one.
/// </summary>
/// <param name="group">the ranks; null for this process alone.</param>
/// <param name="cancellation">ends waiting for the others.</param>
internal sealed class RunRanks(ProcessGroup? group, CancellationToken cancellation)
{
    /// <summary>Whether this rank reads and writes.</summary>
    internal bool Lead => group is null or { Leads: true };

    /// <summary>
    /// Trains on all ranks: one that fails tells the others, and one that is lost ends the run in a sentence.
    /// </summary>
    /// <exception cref="RankLostException">A rank is gone.</exception>
    internal static RunResult Together(
        ProcessGroup group,
        RunConfig config,
        Func<CancellationToken, RunResult> train,
        CancellationToken cancellation
    )
    {
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellation, group.Lost);
        try
        {
            return train(stopped.Token);
        }
        catch (Exception e) when (e is RankLostException || IsEndOfOthers(e))
        {
            throw new RankLostException(
                $"{(group.Failure ?? e.Message).TrimEnd('.')}. Start all ranks again with the same command, "
                    + $"and {config} goes on from its last checkpoint",
                e
            );
        }
        catch (Exception e)
        {
            group.Fail(e is OperationCanceledException ? "it was asked to" : e.Message);
            throw;
        }

        bool IsEndOfOthers(Exception e) =>
            e is OperationCanceledException && group.Failure is not null && !cancellation.IsCancellationRequested;
    }

    /// <summary>
    /// Rank 0's answer on all ranks; with the run's key, so that ranks that were not started alike find out.
    /// </summary>
    /// <exception cref="TrainingException">Rank 0 is at another run.</exception>
    internal RunResult? Shared(RunConfig config, Func<RunResult?> answer)
    {
        if (group is null)
            return answer();
        string[] said = group
            .Share(() => $"{config.Key}\n{JsonSerializer.Serialize(answer(), RunConfig.Json)}", cancellation)
            .Split('\n', 2);
        if (said[0] != config.Key)
            throw new TrainingException(
                $"rank {group.Rank} is to train run {config.Key}, {config}, but rank 0 run {said[0]}; start "
                    + "all ranks with the same command and the same data."
            );
        return JsonSerializer.Deserialize<RunResult?>(said[1], RunConfig.Json);
    }

    /// <summary>Rank 0's choice on all ranks.</summary>
    internal T Shared<T>(Func<T> choice)
        where T : struct, Enum =>
        group is null ? choice() : Enum.Parse<T>(group.Share(() => $"{choice()}", cancellation));
}
