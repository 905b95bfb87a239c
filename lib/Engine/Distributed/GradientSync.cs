using static TorchSharp.torch;

namespace PatchKit;

/// <summary>
/// Averages gradients over the ranks while the backward pass computes them: in buckets, the last parameters' first. Made by <see cref="ProcessGroup.Gradients"/> for parameters that all ranks have in one order.
/// </summary>
public sealed class GradientSync : IDisposable
{
    private readonly ProcessGroup _group;
    private nint _handle;

    internal GradientSync(ProcessGroup group, nint handle) => (_group, _handle) = (group, handle);

    /// <summary>Says that the next backward pass is the last one of its step: gradients are averaged in it, those of earlier passes among them.</summary>
    /// <param name="extras">(K) numbers that are averaged along, such as the loss.</param>
    public void Arm(Tensor extras) => Collectives.Arm(_handle, extras);

    /// <summary>After that backward pass: waits until all gradients are the ranks' mean. One that no rank has is left out.</summary>
    /// <param name="count">K.</param>
    /// <returns>the extras' means.</returns>
    /// <exception cref="RankLostException">A rank is gone; the gradients are of no use.</exception>
    public double[] Finish(int count)
    {
        var extras = new double[count];
        _group.Guarded(() => Collectives.Finish(_handle, extras));
        return extras;
    }

    /// <summary>Ends it; the parameters are as they were.</summary>
    public void Dispose()
    {
        // With a collective under way its memory must stay.
        if (_handle != 0 && _group.Failure is null) Collectives.CloseGradients(_handle);
        _handle = 0;
    }
}
