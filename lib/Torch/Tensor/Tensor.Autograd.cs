namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>Whether operations on this tensor are recorded for differentiation.</summary>
        /// <exception cref="TorchException">Set on a tensor that is not floating-point, or cleared on a computed one.</exception>
        public bool requires_grad
        {
            get => Read(Native.pk_requires_grad(Handle)) != 0;
            set => Read(Native.Check(Native.pk_set_requires_grad(Handle, value ? 1 : 0), "requires_grad"));
        }

        /// <summary>Sets <see cref="requires_grad"/>; returns this tensor.</summary>
        public Tensor requires_grad_(bool requires_grad = true) => with_requires_grad(requires_grad);

        /// <summary>Sets <see cref="requires_grad"/>; returns this tensor.</summary>
        public Tensor with_requires_grad(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        /// <summary>Whether the tensor was made by the user, not computed from others that require gradients.</summary>
        public bool is_leaf => Read(Native.pk_is_leaf(Handle)) != 0;

        /// <summary>Keeps the gradient of a computed tensor, which <see cref="backward"/> would drop.</summary>
        public void retain_grad() => Read(Native.Check(Native.pk_retain_grad(Handle), "retain_grad"));

        /// <summary>The name of the operation that computed the tensor, such as "AddBackward0"; empty for a leaf.</summary>
        public unsafe string grad_fn => Read(Native.Text(Native.pk_grad_fn(Handle)));

        /// <summary>The gradient that <see cref="backward"/> left here, or null.</summary>
        public Tensor? grad
        {
            get => Read(Native.pk_grad(Handle)) is var handle && handle != 0 ? new Tensor(handle) : null;
            set
            {
                Read(Native.Check(Native.pk_set_grad(Handle, value?.Handle ?? 0), "grad"));
                GC.KeepAlive(value);
            }
        }

        /// <summary>Adds to each leaf's <see cref="grad"/> the gradient of this tensor, which holds one element unless its own gradient is given.</summary>
        /// <exception cref="TorchException">The tensor does not require a gradient, or holds more than one element and no gradient was given.</exception>
        public unsafe void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false)
        {
            if (grad_tensors is { Count: 1 } && grad_tensors[0] is null) throw new ArgumentException("backward was given null as the gradient; leave the list out for a tensor of one element.");
            if (grad_tensors is { Count: not 1 }) throw new ArgumentException($"{grad_tensors.Count} gradients were given for one tensor; give one, or none.");
            nint tensor = Handle, seed = grad_tensors?[0].Handle ?? 0;
            Native.Check(Native.pk_backward(&tensor, &seed, 1, retain_graph || create_graph ? 1 : 0, create_graph ? 1 : 0), "backward");
            GC.KeepAlive(this);
            GC.KeepAlive(grad_tensors);
        }

        private static readonly Op Detach = "aten::detach";
        /// <summary>The same memory, outside the autograd graph.</summary>
        public Tensor detach() => Detach.Call(this);
    }

    /// <summary>Differentiation.</summary>
    public static class autograd
    {
        /// <summary>The gradients of the outputs' sum (weighted by <paramref name="grad_outputs"/>) with respect to the inputs; nothing is accumulated.</summary>
        /// <exception cref="TorchException">An input was not used to compute the outputs and <paramref name="allow_unused"/> is false.</exception>
        public static unsafe IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            nint[] ys = Handles(outputs), xs = Handles(inputs), found = new nint[inputs.Count];
            nint[] seeds = grad_outputs is null ? new nint[ys.Length] : Handles(grad_outputs);
            if (seeds.Length != ys.Length) throw new ArgumentException($"{ys.Length} outputs were given, but {seeds.Length} gradients for them; give one for each.");
            fixed (nint* y = ys, s = seeds, x = xs, f = found)
                Native.Check(Native.pk_gradients(y, s, ys.Length, x, xs.Length, retain_graph || create_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, f), "autograd.grad");
            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grad_outputs);
            return Array.ConvertAll(found, handle => handle == 0 ? Tensor.Undefined() : new Tensor(handle));
        }

        private static nint[] Handles(IList<Tensor> tensors) =>
            [.. tensors.Select((t, i) => t?.Handle ?? throw new ArgumentException($"autograd.grad was given null as tensor {i} of {tensors.Count}; give a tensor."))];
    }

    /// <summary>Switches the recording of operations off until disposed.</summary>
    public static IDisposable no_grad() => new GradMode(false);

    /// <summary>Switches the recording of operations on (or off) until disposed.</summary>
    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    /// <summary>Whether operations are being recorded on this thread.</summary>
    public static bool is_grad_enabled() => Native.pk_grad_enabled() != 0;

    private sealed class GradMode : IDisposable
    {
        private readonly int _before = Native.pk_grad_enabled();

        internal GradMode(bool enabled) => Native.pk_set_grad_enabled(enabled ? 1 : 0);

        public void Dispose() => Native.pk_set_grad_enabled(_before);
    }
}
