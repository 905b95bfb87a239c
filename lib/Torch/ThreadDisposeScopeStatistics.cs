namespace TorchSharp;

/// <summary>Counts of one thread's tensors, for finding leaks: a number that grows from step to step is one.</summary>
public sealed class ThreadDisposeScopeStatistics
{
    internal ThreadDisposeScopeStatistics()
    {
    }

    /// <summary>Tensors made inside a scope.</summary>
    public long CreatedInScopeCount { get; private set; }

    /// <summary>Tensors made while no scope was open.</summary>
    public long CreatedOutsideScopeCount { get; private set; }

    /// <summary>Tensors disposed while a scope held them.</summary>
    public long DisposedInScopeCount { get; private set; }

    /// <summary>Tensors disposed while no scope held them.</summary>
    public long DisposedOutsideScopeCount { get; private set; }

    /// <summary>Tensors this thread made less those it disposed; tensors the garbage collector found are not subtracted.</summary>
    public long ThreadTotalLiveCount => CreatedInScopeCount + CreatedOutsideScopeCount - DisposedInScopeCount - DisposedOutsideScopeCount;

    internal void Created(bool inScope)
    {
        if (inScope) CreatedInScopeCount++;
        else CreatedOutsideScopeCount++;
    }

    internal void Disposed(bool inScope)
    {
        if (inScope) DisposedInScopeCount++;
        else DisposedOutsideScopeCount++;
    }

    /// <summary>Starts counting afresh.</summary>
    public void Reset() => CreatedInScopeCount = CreatedOutsideScopeCount = DisposedInScopeCount = DisposedOutsideScopeCount = 0;

    /// <inheritdoc/>
    public override string ToString() =>
        $"in scopes {CreatedInScopeCount:N0} made, {DisposedInScopeCount:N0} disposed; outside {CreatedOutsideScopeCount:N0} made, {DisposedOutsideScopeCount:N0} disposed; {ThreadTotalLiveCount:N0} live";
}
