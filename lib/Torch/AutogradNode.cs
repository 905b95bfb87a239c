using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>
/// A node of libtorch's graph whose passes are C#, over the exports that TorchSharp's own custom functions use. What
/// those lack: an exception in backward reaches the caller of <see cref="Engine.Backward"/>; what forward saved is
/// freed as soon as backward has it; outputs get no shadow copies; gradients live on any thread of libtorch's.
/// </summary>
internal sealed unsafe partial class AutogradNode
{
    /// <summary>
    /// What forward saved, in its order, and the outputs' gradients, null where there is none; returns a gradient, or
    /// null, for each input.
    /// </summary>
    internal delegate Tensor?[] BackwardPass(Tensor?[] saved, Tensor?[] gradients);

    private readonly string _name;
    private readonly int _inputs;
    private readonly int[] _present;
    private readonly BackwardPass _backward;
    private readonly ApplyFunction _apply;
    private readonly DeleteFunction _delete;
    private readonly Pointers _node;
    private readonly Lock _savedLock = new();
    private nint[] _saved = [];
    private bool _used;
    private Tensor?[]? _given;
    private GCHandle _self;

    static AutogradNode() => BackwardFailures.ExplainToTorchSharp();

    private static int s_live;

    [ThreadStatic]
    private static AutogradNode? t_last;

    [ThreadStatic]
    private static nint* t_buffer;

    [ThreadStatic]
    private static int t_room;

    [ThreadStatic]
    private static nint* t_wrapped;

    /// <summary>Nodes that a graph holds now.</summary>
    internal static int Live => Volatile.Read(ref s_live);

    private AutogradNode(string name, ReadOnlySpan<Tensor?> inputs, BackwardPass backward)
    {
        (_name, _inputs, _present, _backward, _apply, _delete) = (
            name,
            inputs.Length,
            Present(inputs),
            backward,
            Apply,
            Delete
        );
        _node = THSAutograd_CSharpNode_ctor(
            Marshal.GetFunctionPointerForDelegate(_apply),
            Marshal.GetFunctionPointerForDelegate(_delete)
        );
        Check();
        _self = GCHandle.Alloc(this);
        Interlocked.Increment(ref s_live);
    }

    /// <summary>
    /// Runs forward without recording, and joins its outputs to the inputs' graph. Tensors made in either pass are
    /// disposed when it is over, except what it returns and what it saves.
    /// </summary>
    /// <param name="name">for messages, such as "patchkit::ssd_scan".</param>
    /// <param name="inputs">the tensors that may get a gradient; null where an operand is absent.</param>
    /// <param name="forward">the outputs, and what backward needs, null where that is absent.</param>
    /// <param name="backward">the inputs' gradients; called on the thread that libtorch runs backward on.</param>
    internal static Tensor[] Run(
        string name,
        ReadOnlySpan<Tensor?> inputs,
        Func<(Tensor[] Outputs, Tensor?[] Saved)> forward,
        BackwardPass backward
    )
    {
        if (!is_grad_enabled())
            return Forward(inputs, forward);
        using (no_grad())
            return RequiresGrad(inputs) ? Record(name, inputs, forward, backward) : Forward(inputs, forward);
    }

    private static Tensor[] Forward(ReadOnlySpan<Tensor?> inputs, Func<(Tensor[] Outputs, Tensor?[] Saved)> forward)
    {
        using var scope = NewDisposeScope();
        var (outputs, _) = forward();
        foreach (var output in outputs)
            output.MoveToOuterDisposeScope();
        KeepAlive(inputs);
        return outputs;
    }

    private static Tensor[] Record(
        string name,
        ReadOnlySpan<Tensor?> inputs,
        Func<(Tensor[] Outputs, Tensor?[] Saved)> forward,
        BackwardPass backward
    )
    {
        var node = new AutogradNode(name, inputs, backward);
        try
        {
            // libtorch's node knows only of the operands that are there: these natives take no null.
            nint* handles = stackalloc nint[node._present.Length];
            for (int i = 0; i < node._present.Length; i++)
                handles[i] = inputs[node._present[i]]!.Handle;
            var given = new Handles(handles, node._present.Length);
            THSAutograd_CSharpNode_setNextEdges(node._node, given, 1);
            Check();
            THSAutograd_CSharpNode_clearInputMetadata(node._node);
            nint[] wrapped;
            // Ends with the outputs' first handles disposed; those that libtorch wrapped are returned.
            using (NewDisposeScope())
            {
                var (outputs, saved) = forward();
                wrapped = node.Wrap(given, outputs);
                node.Save(saved);
            }
            KeepAlive(inputs);
            return Array.ConvertAll(wrapped, Tensor.UnsafeCreateTensor);
        }
        finally
        {
            // From here the outputs' graph holds the node; where there is none, it is deleted now.
            THSAutograd_CSharpNode_disposeSharedPtr(node._node);
        }
    }

    private nint[] Wrap(Handles inputs, Tensor[] outputs)
    {
        var wrapped = new nint[outputs.Length];
        nint* handles = stackalloc nint[outputs.Length];
        for (int i = 0; i < outputs.Length; i++)
            handles[i] = outputs[i].Handle;
        fixed (nint* room = wrapped)
        {
            t_wrapped = room;
            THSAutograd_Function_wrapOutputs(
                inputs,
                default,
                default,
                new Handles(handles, outputs.Length),
                _node,
                &Wrapped
            );
        }
        Check();
        GC.KeepAlive(outputs);
        return wrapped;
    }

    [UnmanagedCallersOnly]
    private static nint* Wrapped(nuint count) => t_wrapped;

    private void Save(Tensor?[] saved)
    {
        _saved = new nint[saved.Length];
        for (int i = 0; i < saved.Length; i++)
        {
            if (saved[i] is not { } tensor)
                continue;
            _saved[i] = THSAutograd_SavedVariable_ctor(tensor.Handle, _node, 0);
            Check();
        }
        GC.KeepAlive(saved);
    }

    /// <summary>
    /// Called by libtorch with the outputs' gradients; its array of the inputs' gradients is read when this has
    /// returned.
    /// </summary>
    private Handles Apply(nint* gradients, int count)
    {
        ReleaseGiven();
        try
        {
            using var scope = NewDisposeScope();
            var given = new Tensor?[count];
            for (int i = 0; i < count; i++)
                given[i] = gradients[i] == 0 ? null : Tensor.UnsafeCreateTensor(gradients[i]);
            if (is_grad_enabled())
                throw new InvalidOperationException(
                    $"{_name} has no second derivative, and create_graph=True asks for one; use the "
                        + "composed reference instead."
                );
            return Give(_backward(Unpack(), given));
        }
        catch (Exception e)
        {
            return Refuse(e);
        }
    }

    private Tensor?[] Unpack()
    {
        lock (_savedLock)
        {
            if (_used)
                throw new InvalidOperationException(
                    $"{_name} was differentiated before, and what it saved is freed; give retain_graph: "
                        + "true to the first backward."
                );
            var saved = new Tensor?[_saved.Length];
            for (int i = 0; i < saved.Length; i++)
            {
                if (_saved[i] == 0)
                    continue;
                nint handle = THSAutograd_SavedVariable_unpack(_saved[i], _node);
                Check();
                saved[i] = Tensor.UnsafeCreateTensor(handle);
            }
            if (!GraphIsKept())
                _used = Free();
            return saved;
        }
    }

    private bool Free()
    {
        bool any = false;
        foreach (ref nint saved in _saved.AsSpan())
        {
            if (saved == 0)
                continue;
            THSAutograd_SavedVariable_dispose(saved);
            (saved, any) = (0, true);
        }
        return any;
    }

    private Handles Give(Tensor?[] results)
    {
        if (results.Length != _inputs)
            throw new InvalidOperationException(
                $"{_name} gave {results.Length} gradients for {_inputs} inputs; give one for each, null "
                    + "where there is none."
            );
        foreach (var result in results)
            result?.DetachFromDisposeScope();
        (_given, t_last) = (results, this);
        nint* buffer = Buffer(_present.Length);
        for (int i = 0; i < _present.Length; i++)
            buffer[i] = results[_present[i]]?.Handle ?? 0;
        return new Handles(buffer, _present.Length);
    }

    /// <summary>
    /// No exception may cross into libtorch. A wrong number of gradients makes libtorch throw one of its own, whose
    /// sentence carries that number to the caller of backward, on whatever thread this is: it says which exception was
    /// meant.
    /// </summary>
    private Handles Refuse(Exception exception)
    {
        int extra = BackwardFailures.Keep(
            exception is ExternalException e && BackwardFailures.Take(e.Message) is { } inner
                ? inner
                : ExceptionDispatchInfo.Capture(exception)
        );
        int length = _present.Length + extra;
        nint* buffer = Buffer(length);
        new Span<nint>(buffer, length).Clear();
        return new Handles(buffer, length);
    }

    private static nint* Buffer(int length)
    {
        if (t_room >= length)
            return t_buffer;
        t_buffer = (nint*)NativeMemory.Realloc(t_buffer, (nuint)length * (nuint)sizeof(nint));
        t_room = length;
        return t_buffer;
    }

    /// <summary>
    /// Disposes the gradients that the thread's last node gave: libtorch has taken its own references to them.
    /// </summary>
    internal static void ReleaseGiven()
    {
        t_last?.DisposeGiven();
        t_last = null;
    }

    private void DisposeGiven()
    {
        foreach (var gradient in Interlocked.Exchange(ref _given, null) ?? [])
            gradient?.Dispose();
    }

    private void Delete()
    {
        Free();
        DisposeGiven();
        THSAutograd_CSharpNode_disposeWeakPtr(_node);
        _self.Free();
        Interlocked.Decrement(ref s_live);
    }

    private static int[] Present(ReadOnlySpan<Tensor?> inputs)
    {
        int count = 0;
        foreach (var input in inputs)
            count += input is null ? 0 : 1;
        var present = new int[count];
        for (int i = inputs.Length - 1; i >= 0; i--)
            if (inputs[i] is not null)
                present[--count] = i;
        return present;
    }

    private static bool RequiresGrad(ReadOnlySpan<Tensor?> inputs)
    {
        foreach (var input in inputs)
            if (input is not null && input.requires_grad)
                return true;
        return false;
    }

    private static void KeepAlive(ReadOnlySpan<Tensor?> tensors)
    {
        foreach (var tensor in tensors)
            GC.KeepAlive(tensor);
    }
}
