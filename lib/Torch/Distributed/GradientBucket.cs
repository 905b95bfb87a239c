using static TorchSharp.torch;

namespace PatchKit.Torch.Distributed;

/// <summary>Gradients that are averaged in one collective, one behind the other.</summary>
internal sealed class GradientBucket : IDisposable
{
    private readonly Tensor _flat;
    private readonly Tensor[] _views;
    private Collective? _sending;

    /// <summary>An empty bucket.</summary>
    /// <param name="parameters">of one type, on one device.</param>
    /// <param name="indices">their numbers among all.</param>
    internal GradientBucket(IReadOnlyList<Tensor> parameters, IReadOnlyList<int> indices)
    {
        using var recording = no_grad();
        using var scope = NewDisposeScope();
        (Indices, Missing) = (indices, indices.Count);
        long[] numbers = [.. parameters.Select(parameter => parameter.numel())];
        _flat = empty([numbers.Sum()], parameters[0].dtype, parameters[0].device).DetachFromDisposeScope();
        _views =
        [
            .. _flat
                .split(numbers)
                .Zip(parameters, (part, parameter) => part.view(parameter.shape).DetachFromDisposeScope()),
        ];
    }

    /// <summary>Whose gradients they are.</summary>
    internal IReadOnlyList<int> Indices { get; }

    /// <summary>How many are not there yet.</summary>
    internal int Missing { get; set; }

    /// <summary>Whether they have gone out.</summary>
    internal bool Sent => _sending is not null;

    /// <summary>Begins anew.</summary>
    internal void Empty() => (_sending, Missing) = (null, Indices.Count);

    /// <summary>
    /// Sends the gradients, each divided by the number of ranks, so that their sum over the ranks is the mean.
    /// </summary>
    /// <param name="gradients">in the order of <see cref="Indices"/>; zeros for null.</param>
    /// <param name="group">the ranks.</param>
    internal void Send(IReadOnlyList<Tensor?> gradients, ProcessGroup group)
    {
        using var recording = no_grad();
        using var scope = NewDisposeScope();
        if (gradients.Contains(null))
            _flat.zero_();
        int[] there = [.. Enumerable.Range(0, _views.Length).Where(i => gradients[i] is not null)];
        Foreach.Copy([.. there.Select(i => _views[i])], [.. there.Select(i => gradients[i]!)]);
        _flat.div_(group.Size);
        _sending = group.Begin(_flat, ReduceOp.Sum);
    }

    /// <summary>Waits for the means.</summary>
    /// <returns>views of them, in the order of <see cref="Indices"/>, until the bucket is sent again.</returns>
    /// <exception cref="IOException">The collective failed.</exception>
    internal IReadOnlyList<Tensor> Means()
    {
        _sending!.Wait();
        return _views;
    }

    /// <summary>Frees it.</summary>
    public void Dispose()
    {
        foreach (var view in _views)
            view.Dispose();
        _flat.Dispose();
    }
}
