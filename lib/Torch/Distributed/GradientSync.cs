using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// Averages gradients over the ranks while the backward pass computes them. Parameters are put into buckets in the
/// reverse of their order, which is about the order in which their gradients come; a bucket goes out when its gradients
/// are there and those before it are out, so that all ranks send the same buckets in the same order. Made by
/// <see cref="ProcessGroup.Gradients"/> for parameters that all ranks have in one order.
/// </summary>
public sealed class GradientSync : IDisposable
{
    private readonly ProcessGroup _group;
    private readonly IReadOnlyList<Tensor> _parameters;
    private readonly List<GradientBucket> _buckets = [];
    private readonly GradientBucket[] _bucketOf;
    private readonly List<GradientHook> _hooks = [];
    private readonly bool[] _arrived,
        _present;
    private Tensor? _extras;
    private ExceptionDispatchInfo? _failure;
    private int _next;

    /// <param name="group">the ranks.</param>
    /// <param name="parameters">all that take gradients.</param>
    /// <param name="bucketBytes">how much goes out at once, at least.</param>
    /// <param name="early">whether buckets go out during the backward pass; else, and where this libtorch has no hooks,
    /// all go out after it.</param>
    internal GradientSync(ProcessGroup group, IReadOnlyList<Tensor> parameters, long bucketBytes, bool early = true)
    {
        (_group, _parameters) = (group, parameters);
        (_arrived, _present, _bucketOf) = (
            new bool[parameters.Count],
            new bool[parameters.Count],
            new GradientBucket[parameters.Count]
        );
        foreach (var indices in Split(parameters, bucketBytes))
        {
            _buckets.Add(new GradientBucket([.. indices.Select(i => parameters[i])], indices));
            foreach (int i in indices)
                _bucketOf[i] = _buckets[^1];
        }
        if (!early || !GradientHook.Works)
            return;
        for (int i = 0; i < parameters.Count; i++)
        {
            int own = i;
            _hooks.Add(new GradientHook(parameters[i], () => Arrived(own)));
        }
    }

    /// <summary>Buckets that have gone out since the last <see cref="Arm"/>.</summary>
    internal int Sent => _next;

    /// <summary>
    /// Says that the next backward pass is the last one of its step: gradients are averaged in it, those of earlier
    /// passes among them.
    /// </summary>
    /// <param name="extras">(K) numbers that are averaged along, such as the loss.</param>
    public void Arm(Tensor extras)
    {
        _extras?.Dispose();
        _extras = extras.detach().to(float64, CPU, copy: true).DetachFromDisposeScope();
        (_next, _failure) = (0, null);
        Array.Clear(_arrived);
        foreach (var bucket in _buckets)
            bucket.Empty();
    }

    /// <summary>
    /// After that backward pass: waits until all gradients are the ranks' mean. One that no rank has is left out.
    /// </summary>
    /// <param name="count">K.</param>
    /// <returns>the extras' means.</returns>
    /// <exception cref="InvalidOperationException">No backward pass was announced, or a gradient changed after it was
    /// sent.</exception>
    /// <exception cref="RankLostException">A rank is gone; the gradients are of no use.</exception>
    public double[] Finish(int count)
    {
        using var extras =
            _extras
            ?? throw new InvalidOperationException("there is no backward pass to finish; arm the gradients before it.");
        _extras = null;
        _failure?.Throw();
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        double[] means = [];
        _group.Guarded(() =>
        {
            while (_next < _buckets.Count)
                SendNext();
            means = MeansOf(cat([tensor(_present.Select(present => present ? 1.0 : 0).ToArray()), extras]));
            foreach (var bucket in _buckets)
                PutBack(bucket, means);
        });
        return means[^count..];
    }

    /// <summary>Ends it; the parameters are as they were.</summary>
    public void Dispose()
    {
        foreach (var hook in _hooks)
            hook.Dispose();
        foreach (var bucket in _buckets)
            bucket.Dispose(); // a collective that is still under way has its own hold on the memory
        _extras?.Dispose();
        (_extras, _failure) = (null, null);
        _hooks.Clear();
        _buckets.Clear();
    }

    // Neighbours of one type, the last first, until they are large enough.
    private static List<List<int>> Split(IReadOnlyList<Tensor> parameters, long bucketBytes)
    {
        List<List<int>> buckets = [];
        long bytes = 0;
        for (int i = parameters.Count - 1; i >= 0; i--)
        {
            var parameter = parameters[i];
            if (!parameter.is_leaf || !parameter.requires_grad)
                throw new ArgumentException($"parameter {i} is no leaf that takes a gradient; leave it out.");
            bool fits = buckets.Count > 0 && bytes < bucketBytes && parameter.dtype == parameters[i + 1].dtype;
            if (!fits)
                buckets.Add([]);
            bytes = (fits ? bytes : 0) + parameter.numel() * parameter.element_size();
            buckets[^1].Add(i);
        }
        return buckets;
    }

    // Called by libtorch, which passes no exception on.
    private void Arrived(int i)
    {
        if (_extras is null || _failure is not null)
            return;
        try
        {
            var bucket = _bucketOf[i];
            if (_arrived[i] && bucket.Sent)
            {
                throw new InvalidOperationException(
                    $"parameter {i}, of shape [{string.Join(", ", _parameters[i].shape)}], got a gradient again after "
                        + "the first had gone out to the other ranks; checkpoint blocks that share no parameters."
                );
            }
            if (_arrived[i])
                return; // once more, from the backward pass of a checkpointed block
            _arrived[i] = true;
            bucket.Missing--;
            while (_next < _buckets.Count && _buckets[_next].Missing == 0)
                SendNext();
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    private void SendNext()
    {
        using var scope = NewDisposeScope();
        var bucket = _buckets[_next++];
        Tensor?[] gradients = [.. bucket.Indices.Select(i => _parameters[i].grad)];
        // One may be there from the earlier parts of a batch although the last part gave none.
        foreach (var (i, gradient) in bucket.Indices.Zip(gradients))
            _present[i] = gradient is not null;
        bucket.Send(gradients, _group);
    }

    private double[] MeansOf(Tensor numbers)
    {
        numbers.div_(_group.Size);
        var there = numbers.to(_group.Device);
        _group.Begin(there, ReduceOp.Sum).Wait();
        return there.cpu().data<double>().ToArray();
    }

    private void PutBack(GradientBucket bucket, double[] owners)
    {
        List<Tensor> gradients = [],
            theirs = [];
        foreach (var (i, mean) in bucket.Indices.Zip(bucket.Means()))
        {
            if (_present[i])
            {
                gradients.Add(_parameters[i].grad!);
                theirs.Add(mean);
            }
            else if (owners[i] > 0)
            {
                _parameters[i].grad = mean.clone();
            }
        }
        Foreach.Copy([.. gradients], [.. theirs]);
    }
}
