using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using PatchKit.Data.Loading;
using PatchKit.Models;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Loop;

/// <summary>
/// A trainer's part in data-parallel training: every rank has the model, takes its share of each batch, and steps by
/// the gradients' mean over the ranks, which is the gradient of the whole batch. Ranks begin with rank 0's weights and
/// stop together: the wish to stop travels with the gradients.
/// </summary>
internal sealed class DataParallel : IDisposable
{
    private readonly ProcessGroup _group;
    private readonly TrainerStateFile _everything;
    private readonly GradientSync _gradients;
    private readonly List<Tensor> _parameters;
    private readonly List<DropPath> _dropPaths;
    private readonly Recipe _recipe;
    private int _accumulation;
    private CancellationTokenSource? _together;
    private CancellationToken _own;
    private bool _stop;

    /// <summary>Joins a trainer to a group.</summary>
    /// <param name="group">the group.</param>
    /// <param name="everything">the trainer's state, which is what ranks must agree on.</param>
    /// <param name="model">in training.</param>
    /// <param name="recipe">how batches are made.</param>
    /// <param name="groups">the parameters.</param>
    /// <param name="accumulation">parts that a share is trained in.</param>
    /// <exception cref="ArgumentException">A batch does not split over the ranks.</exception>
    internal DataParallel(
        ProcessGroup group,
        TrainerStateFile everything,
        nn.Module model,
        Recipe recipe,
        IReadOnlyList<ParameterGroup> groups,
        int accumulation
    )
    {
        Check(recipe, group.Size, accumulation);
        (_group, _everything, _recipe) = (group, everything, recipe);
        _dropPaths = [.. model.modules().OfType<DropPath>()];
        Accumulation = accumulation;
        _parameters = [.. groups.SelectMany(own => own.Parameters)];
        _gradients = group.Gradients([.. _parameters.Where(parameter => parameter.requires_grad)]);
    }

    /// <summary>
    /// Parts that a share is trained in. A share that is trained as a whole has the drop-path masks of its places in
    /// the batch.
    /// </summary>
    internal int Accumulation
    {
        set
        {
            _accumulation = value;
            Share(value == 1 ? (_recipe.BatchSize, ShareOf(_recipe, _group).Places(_recipe.BatchSize)) : null);
        }
    }

    /// <summary>The largest of the ranks' numbers.</summary>
    /// <exception cref="RankLostException">A rank is gone.</exception>
    internal int Most(int own)
    {
        using var scope = NewDisposeScope();
        return (int)_group.AllGather(tensor(new[] { (long)own }).to(_group.Device)).Max(one => one.item<long>());
    }

    /// <summary>Refuses batches that do not split over ranks and parts, before anything is opened.</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    internal static void Check(Recipe recipe, int ranks, int accumulation)
    {
        int share = ShareOf(recipe, 0, ranks).Places(recipe.BatchSize).Length;
        if (share % accumulation != 0)
            throw new ArgumentException(
                $"a batch of {recipe.BatchSize} images does not split evenly over {ranks} ranks "
                    + $"and {accumulation} parts; accumulate over a divisor of {share}, or set batchSize to a "
                    + $"multiple of {ranks * accumulation}."
            );
    }

    /// <summary>A rank's share of a recipe's batches; all of them without a group.</summary>
    internal static BatchShare ShareOf(Recipe recipe, ProcessGroup? group) =>
        group is null ? BatchShare.Whole : ShareOf(recipe, group.Rank, group.Size);

    private static BatchShare ShareOf(Recipe recipe, int rank, int ranks) =>
        new(rank, ranks, Pairs: recipe.Mixup > 0 || recipe.CutMix > 0);

    /// <summary>
    /// What may be cancelled in this rank's step: all ranks at once, after a step in which one of them was asked to
    /// stop; or this one alone, when another is gone. A rank that is asked to stop goes on to the end of its step, as
    /// the others wait for it there.
    /// </summary>
    internal CancellationToken Together(CancellationToken own)
    {
        _own = own;
        _together = CancellationTokenSource.CreateLinkedTokenSource(_group.Lost);
        return _together.Token;
    }

    /// <summary>
    /// What sets this rank's random numbers in a step apart: nothing where they are the whole batch's, else its rank.
    /// </summary>
    internal ulong OwnStream => _accumulation == 1 ? 0 : (ulong)_group.Rank << 32;

    /// <summary>
    /// Gives all ranks what rank 0 has, from its saved state or from the beginning: weights, optimizer, moving average
    /// and the place in the run.
    /// </summary>
    internal TrainerState? Start(TrainerState? state)
    {
        string shared = _group.Share(() => JsonSerializer.Serialize(state, RunConfig.Json));
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        foreach (var value in _everything.Tensors)
        {
            var here = value.to(_group.Device).contiguous();
            _group.Broadcast(here);
            if (!_group.Leads)
                value.copy_(here);
        }
        var ages = tensor(_everything.Ages).to(_group.Device);
        _group.Broadcast(ages);
        _everything.Ages = ages.cpu().data<long>().ToArray();
        return JsonSerializer.Deserialize<TrainerState?>(shared, RunConfig.Json);
    }

    /// <summary>Says that the next backward pass is the step's last.</summary>
    /// <param name="loss">the mean loss of this rank's share.</param>
    internal void Arm(Tensor loss)
    {
        using var scope = NewDisposeScope();
        double stop = _own.IsCancellationRequested ? 1 : 0;
        _gradients.Arm(stack([loss.detach(), full_like(loss, stop)]));
    }

    /// <summary>Waits for the gradients' means.</summary>
    /// <returns>the mean loss of the whole batch.</returns>
    /// <exception cref="RankLostException">A rank is gone.</exception>
    internal double Finish()
    {
        double[] means = _gradients.Finish(2);
        _stop = means[1] > 0;
        return means[0];
    }

    /// <summary>After a whole step: stops, on all ranks, if one was asked to.</summary>
    internal void StepIsWhole()
    {
        if (!_stop)
            return;
        _group.StopTogether();
        _together!.Cancel();
    }

    /// <summary>Compares the ranks' weights, bit by bit.</summary>
    /// <exception cref="TrainingException">They differ.</exception>
    internal void Compare(long step)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var parameter in _parameters)
            hash.AppendData(parameter.detach().cpu().contiguous().bytes);
        long own = BinaryPrimitives.ReadInt64LittleEndian(hash.GetHashAndReset());
        long[] all = [.. _group.AllGather(tensor(new[] { own }).to(_group.Device)).Select(one => one.item<long>())];
        if (Array.FindIndex(all, one => one != all[0]) is > 0 and var other)
            throw new TrainingException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"after step {step} the weights of rank {other} are not those of rank 0, although both "
                        + $"stepped by the same gradients; the machines' processors, GPUs or libraries "
                        + $"differ, so start all ranks on machines of one kind."
                )
            );
    }

    /// <summary>The sentence of a rank that is gone, with how to go on.</summary>
    internal static string HowToGoOn(string lost, long step, long steps, string? folder) =>
        $"{lost.TrimEnd('.')}. Training was ended at step {step} "
        + $"of {steps}{(folder is null ? "" : $"; the checkpoint is in {folder}")}. Start all ranks again "
        + "with the same command, or one process alone, and the run goes on from there";

    public void Dispose()
    {
        Share(null);
        _together?.Dispose();
        _gradients.Dispose();
    }

    private void Share((int Batch, int[] Places)? share)
    {
        foreach (var path in _dropPaths)
            path.Share = share;
    }
}
