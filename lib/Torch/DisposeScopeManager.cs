namespace TorchSharp;

/// <summary>The dispose scopes of one thread, and its accounts of tensors.</summary>
public sealed class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager? t_singleton;

    private DisposeScopeManager()
    {
    }

    internal static DisposeScopeManager ThreadSingleton => t_singleton ?? First();

    // Apart, so that the property is small enough to inline: each tensor reads it when it is made and when it goes.
    private static DisposeScopeManager First() => t_singleton = new();

    /// <summary>What this thread's scopes have seen: tensors made and disposed, in scopes and outside.</summary>
    public static ThreadDisposeScopeStatistics Statistics => ThreadSingleton.Counts;

    internal readonly ThreadDisposeScopeStatistics Counts = new();
    internal readonly TensorLedger Ledger = new();
    internal readonly Stack<TensorGuard> SpareGuards = new();

    internal DisposeScope? CurrentScope { get; private set; }

    internal DisposeScope Open() => CurrentScope = new DisposeScope(this);

    internal void Close(DisposeScope scope)
    {
        // Closing an outer scope closes those within it.
        while (CurrentScope is { } current && current != scope && Encloses(scope, current)) current.Dispose();
        if (CurrentScope == scope) CurrentScope = scope.OuterScope;
    }

    /// <summary>Puts a new tensor into the current scope; false where there is none.</summary>
    internal bool Register(torch.Tensor tensor)
    {
        var scope = CurrentScope;
        Counts.Created(inScope: scope is not null);
        scope?.Add(tensor);
        return scope is not null;
    }

    private static bool Encloses(DisposeScope outer, DisposeScope inner)
    {
        for (var scope = inner.OuterScope; scope is not null; scope = scope.OuterScope)
            if (scope == outer) return true;
        return false;
    }
}
