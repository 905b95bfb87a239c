using System.Diagnostics;
using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>A function of some inputs, run forward and backward: what it takes and what memory it needs.</summary>
/// <param name="Function">What is differentiated.</param>
/// <param name="Inputs">Leaves that require a gradient.</param>
/// <param name="GradOutput">The gradient of the function's value.</param>
internal sealed record Workload(Func<Tensor> Function, Tensor[] Inputs, Tensor GradOutput)
{
    /// <summary>Milliseconds of one forward and backward pass.</summary>
    internal double Milliseconds()
    {
        using var scope = NewDisposeScope();
        DeviceRates.Synchronize(GradOutput.device); // a GPU works on after a call has come back
        var watch = Stopwatch.StartNew();
        Differentiate();
        DeviceRates.Synchronize(GradOutput.device);
        return watch.Elapsed.TotalMilliseconds;
    }

    /// <summary>The same on a number of threads.</summary>
    internal double Milliseconds(int threads)
    {
        set_num_threads(threads);
        return Milliseconds();
    }

    /// <summary>
    /// Bytes held at the peak of a forward and backward pass beyond the inputs, the value and the gradients. It counts
    /// what comes from libtorch's allocator, which the fused operators' own workspaces do too
    /// (lib/Native/kernels/memory.h). A workspace stays with its thread for the next call, so that this runs on a new
    /// thread, which has none yet.
    /// </summary>
    internal long PeakBytesBeyondResults()
    {
        long beyond = 0;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var scope = NewDisposeScope();
                long before = Engine.Memory().LiveBytes;
                Engine.ResetPeakMemory();
                long results = Differentiate().Sum(result => result.numel() * result.element_size());
                beyond = Engine.Memory().PeakBytes - before - results;
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? beyond : throw failure;
    }

    /// <summary>The value and the gradients of all inputs.</summary>
    internal Tensor[] Differentiate()
    {
        var value = Function();
        return [value, .. autograd.grad([value], Inputs, [GradOutput])];
    }

    /// <summary>Throws unless another form gives the same value and gradients.</summary>
    /// <exception cref="InvalidOperationException">They differ by more than the tolerance.</exception>
    internal void MustEqual(Workload other, string names, double tolerance)
    {
        using var scope = NewDisposeScope();
        var pairs = Differentiate().Zip(other.Differentiate());
        double worst = pairs.Max(pair => ((pair.First - pair.Second).abs().max() / pair.Second.abs().max()).ToDouble());
        if (!(worst <= tolerance))
            throw new InvalidOperationException(
                $"{names} differ by {worst:E1} where {tolerance:E1} is allowed; their times would say nothing."
            );
    }
}
