using System.Runtime.ExceptionServices;
using PatchKit.Data;
using PatchKit.Torch;
using static TorchSharp.torch;

namespace PatchKit.Training.Loop;

/// <summary>
/// Batches of which the next one can be fetched, and sent to the device, while the step at work is computed there. They
/// are the source's, in its order; what its next batch fails with is thrown when that one is due.
/// </summary>
/// <param name="device">where batches are sent.</param>
/// <param name="mayFetch">whether anything is fetched ahead.</param>
internal sealed class BatchesAhead(Device device, bool mayFetch)
{
    private IEnumerator<Batch>? _source;
    private Batch? _next;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Whether anything is fetched ahead; each batch is fetched when it is due where not.</summary>
    internal bool MayFetch { get; set; } = mayFetch;

    /// <summary>The batches of a source; each is the caller's to dispose.</summary>
    internal IEnumerable<Batch> Of(IEnumerable<Batch> source)
    {
        using var each = source.GetEnumerator();
        _source = each;
        try
        {
            while (true)
            {
                if (_next is null && _failure is null)
                    Fetch();
                _failure?.Throw();
                if (_next is not { } batch)
                    yield break;
                _next = null;
                yield return batch;
            }
        }
        finally
        {
            _next?.Dispose();
            (_source, _next, _failure) = (null, null, null);
        }
    }

    /// <summary>Fetches the next batch while another is at work, where that may be.</summary>
    internal void FetchAhead()
    {
        if (MayFetch)
            Fetch();
    }

    // On the thread that asks for it, as all tensors are made on one.
    private void Fetch()
    {
        if (_source is null || _next is not null || _failure is not null)
            return;
        try
        {
            if (_source.MoveNext())
                _next = Sent(_source.Current).Detached();
            else
                _source = null;
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    // A batch for which the device has no room beside the step at work is sent when it is due.
    private Batch Sent(Batch batch)
    {
        if (batch.Images.device_type == device.type)
            return batch;
        try
        {
            var sent = batch.To(device);
            (batch with { Bits = null }).Dispose(); // which no device needs, and both have
            return sent;
        }
        catch (Exception e) when (Engine.IsOutOfMemory(e))
        {
            return batch;
        }
    }
}
