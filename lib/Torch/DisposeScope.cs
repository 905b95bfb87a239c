namespace TorchSharp;

/// <summary>
/// Disposes, when it ends, every tensor that was made in it on its thread and neither moved out nor detached.
/// Open one with <see cref="torch.NewDisposeScope"/> around each training step.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    // Each tensor knows its place here, so that leaving a scope early costs no search: the last one takes the free place.
    private readonly List<torch.Tensor> _tensors = [];
    private readonly DisposeScopeManager _manager;
    private bool _disposed;

    internal DisposeScope(DisposeScopeManager manager) => (_manager, OuterScope) = (manager, manager.CurrentScope);

    internal DisposeScope? OuterScope { get; }

    /// <summary>How many tensors the scope will dispose.</summary>
    public int DisposablesCount => _tensors.Count;

    /// <summary>Hands a tensor to the enclosing scope, or to no scope where there is none.</summary>
    public T MoveToOuter<T>(T disposable) where T : IDisposable => MoveToOther(OuterScope, disposable);

    /// <summary>Hands tensors to the enclosing scope, or to no scope where there is none.</summary>
    public void MoveToOuter(params IDisposable[] disposables) => Array.ForEach(disposables, d => MoveToOther(OuterScope, d));

    /// <summary>Hands a tensor to another scope.</summary>
    public T MoveToOther<T>(DisposeScope? scope, T disposable) where T : IDisposable
    {
        if (disposable is torch.Tensor tensor && Contains(tensor))
        {
            Remove(tensor);
            scope?.Add(tensor);
        }
        return disposable;
    }

    /// <summary>Takes a tensor out of all scopes; whoever holds it disposes it.</summary>
    public T Detach<T>(T disposable) where T : IDisposable => MoveToOther(null, disposable);

    /// <summary>Puts a tensor that is in no scope into this one.</summary>
    public void Attach(IDisposable disposable)
    {
        if (disposable is torch.Tensor { IsInvalid: false, OwningDisposeScope: null } tensor) Add(tensor);
    }

    /// <summary>Whether the scope will dispose the tensor.</summary>
    public bool Contains(IDisposable disposable) => disposable is torch.Tensor tensor && ReferenceEquals(tensor.OwningDisposeScope, this);

    /// <summary>Disposes everything but the tensors given.</summary>
    public void DisposeEverythingBut(params IDisposable[] keep)
    {
        for (int i = _tensors.Count - 1; i >= 0; i--)
        {
            if (i < _tensors.Count && !keep.Contains(_tensors[i])) _tensors[i].Dispose();
        }
    }

    /// <summary>Ends the scope: its tensors are disposed, and the enclosing scope is the current one again.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _manager.Close(this);
        DisposeAll();
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the tensors of a scope that was never ended and whose thread is gone.</summary>
    ~DisposeScope() => DisposeAll();

    private void DisposeAll()
    {
        while (_tensors.Count > 0) _tensors[^1].Dispose();
    }

    internal void Add(torch.Tensor tensor)
    {
        tensor.SetScope(this);
        tensor.ScopeIndex = _tensors.Count;
        _tensors.Add(tensor);
    }

    internal void Remove(torch.Tensor tensor)
    {
        var last = _tensors[^1];
        _tensors[tensor.ScopeIndex] = last;
        last.ScopeIndex = tensor.ScopeIndex;
        _tensors.RemoveAt(_tensors.Count - 1);
        tensor.SetScope(null);
    }
}
