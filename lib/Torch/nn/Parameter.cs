namespace TorchSharp.Modules;

/// <summary>A tensor that a module learns: <c>RegisterComponents</c> lists it under <c>parameters()</c>, not under <c>buffers()</c>.</summary>
public sealed class Parameter : torch.Tensor
{
    /// <summary>Makes a leaf parameter of <paramref name="data"/>, whose handle it takes over: use the parameter from here on, not <paramref name="data"/>.</summary>
    /// <param name="data">the initial values, any shape; floating point where <paramref name="requires_grad"/> is true.</param>
    /// <param name="requires_grad">whether gradients are collected for it.</param>
    /// <exception cref="ArgumentException"><paramref name="data"/> was computed from tensors that require gradients, so it is no leaf.</exception>
    public Parameter(torch.Tensor data, bool requires_grad = true) : this(data.OwningDisposeScope, TakeHandle(data, requires_grad))
    {
    }

    // In the scope that the data was in.
    private Parameter(DisposeScope? scope, (nint handle, long bytes) native) : base(native.handle, native.bytes, register: false) => scope?.Add(this);

    private static (nint, long) TakeHandle(torch.Tensor data, bool requiresGrad)
    {
        if (!data.is_leaf)
            throw new ArgumentException($"A parameter cannot be made of the result of {data.grad_fn}, which autograd recorded; call detach() on it first.", nameof(data));
        return data.with_requires_grad(requiresGrad).MoveHandle();
    }
}
