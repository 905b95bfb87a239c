namespace TorchSharp;

/// <summary>
/// Frees the native tensor of a C# tensor that is in no scope and that nobody disposed, once the collector finds both unreachable.
/// Allocating an object with a finalizer costs more than the rest of a call, so guards that have stood down serve again.
/// </summary>
internal sealed class TensorGuard
{
    // Few: a guard of an old generation holds its tensor until a full collection.
    private const int MostSpare = 4;

    private torch.Tensor? _tensor;

    internal static TensorGuard Over(torch.Tensor tensor, DisposeScopeManager thread)
    {
        var guard = thread.SpareGuards.TryPop(out var spare) ? spare : new TensorGuard();
        guard._tensor = tensor;
        return guard;
    }

    internal void StandDown(DisposeScopeManager thread)
    {
        _tensor = null;
        if (thread.SpareGuards.Count < MostSpare) thread.SpareGuards.Push(this);
        else GC.SuppressFinalize(this);
    }

    /// <summary>Frees the tensor it stands over, if any.</summary>
    ~TensorGuard() => _tensor?.FreeCollected();
}
