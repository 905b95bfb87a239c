using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>
/// An operator of libtorch's dispatcher, by name and overload: "aten::add.Tensor". Looked up at its first call and kept.
/// Operators differ between libtorch versions: ask <see cref="Exists"/> where one may be absent.
/// </summary>
internal sealed unsafe class Op
{
    private const int StackWords = 256, MostArguments = 32, ScratchTooSmall = -2;

    private readonly string _name;
    private nint _handle;

    private Op(string name) => _name = name;

    public static implicit operator Op(string name) => new(name);

    /// <inheritdoc/>
    public override string ToString() => _name;

    /// <summary>Whether this libtorch has the operator.</summary>
    internal bool Exists => Lookup() != 0;

    /// <summary>Whether the operator itself, not one that it calls, has a kernel for the device; false where the operator is absent.</summary>
    internal bool RunsOn(DeviceType device) => Exists && Native.pk_op_runs_on(_handle, (int)device) switch
    {
        < 0 => throw Native.Failure(_name),
        var runs => runs != 0,
    };

    /// <summary>The operator's schema, e.g. "aten::relu(Tensor self) -> Tensor".</summary>
    internal string Schema => Native.Text(Native.pk_op_schema(Handle));

    private nint Handle => _handle != 0 ? _handle : Find();

    private nint Find() => Lookup() is var found && found != 0 ? found : throw new NotSupportedException(
        $"libtorch {Native.Text(Native.pk_version())} has no operator {_name}; use a newer libtorch (environment/setup.sh --torch DIR).");

    private nint Lookup()
    {
        if (_handle != 0) return _handle;
        int dot = _name.IndexOf('.');
        return _handle = dot < 0 ? Native.pk_find_op(_name, "") : Native.pk_find_op(_name[..dot], _name[(dot + 1)..]);
    }

    /// <summary>Calls an operator with one tensor as its result.</summary>
    internal torch.Tensor Call(params ReadOnlySpan<Arg> args)
    {
        NativeResult result;
        Expect(1, Run(args, &result, 1));
        return TensorOf(result);
    }

    /// <summary>Calls an operator with two tensors as its result.</summary>
    internal (torch.Tensor, torch.Tensor) Call2(params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeResult[2];
        Expect(2, Run(args, results, 2));
        return (TensorOf(results[0]), TensorOf(results[1]));
    }

    /// <summary>Calls an operator with three tensors as its result.</summary>
    internal (torch.Tensor, torch.Tensor, torch.Tensor) Call3(params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeResult[3];
        Expect(3, Run(args, results, 3));
        return (TensorOf(results[0]), TensorOf(results[1]), TensorOf(results[2]));
    }

    /// <summary>Calls an operator whose result is a list of tensors.</summary>
    internal torch.Tensor[] CallList(params ReadOnlySpan<Arg> args)
    {
        NativeResult result;
        Expect(1, Run(args, &result, 1));
        var tensors = new torch.Tensor[result.Count];
        for (int i = 0; i < tensors.Length; i++) tensors[i] = new torch.Tensor(result.List[i]);
        return tensors;
    }

    /// <summary>Calls an operator whose result is a number.</summary>
    internal Scalar CallScalar(params ReadOnlySpan<Arg> args)
    {
        NativeResult result;
        Expect(1, Run(args, &result, 1));
        return new Scalar(result.Kind, result.Int);
    }

    /// <summary>Calls an operator that changes its first argument in place; returns that tensor.</summary>
    internal torch.Tensor InPlace(params ReadOnlySpan<Arg> args)
    {
        Invoke(args);
        return (torch.Tensor)args[0].Reference!;
    }

    /// <summary>Calls an operator for its effect; results are released.</summary>
    internal void Invoke(params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeResult[8];
        int n = Run(args, results, 8);
        for (int i = 0; i < n; i++)
        {
            if (results[i].Kind == NativeKind.Tensor) Native.pk_release(results[i].Handle);
            for (int k = 0; results[i].Kind == NativeKind.Tensors && k < results[i].Count; k++) Native.pk_release(results[i].List[k]);
        }
    }

    private static torch.Tensor TensorOf(in NativeResult result) => result.Kind switch
    {
        NativeKind.Tensor => new torch.Tensor(result.Handle, result.Bytes),
        NativeKind.None => torch.Tensor.Undefined(),
        _ => throw new InvalidOperationException($"The operator returned {result.Kind} where a tensor was expected."),
    };

    private void Expect(int wanted, int got)
    {
        if (wanted != got) throw new InvalidOperationException($"{_name} returned {got} results where {wanted} were expected.");
    }

    [SkipLocalsInit]
    private int Run(ReadOnlySpan<Arg> args, NativeResult* results, int capacity)
    {
        long* scratch = stackalloc long[StackWords];
        int count = Run(args, scratch, StackWords, results, capacity);
        return count != ScratchTooSmall ? count : RunOnHeap(args, results, capacity);
    }

    private int RunOnHeap(ReadOnlySpan<Arg> args, NativeResult* results, int capacity)
    {
        int words = 0;
        foreach (ref readonly var arg in args) words += arg.ScratchWords;
        void* scratch = NativeMemory.Alloc((nuint)words, sizeof(long));
        try
        {
            return Run(args, (long*)scratch, words, results, capacity);
        }
        finally
        {
            NativeMemory.Free(scratch);
        }
    }

    [SkipLocalsInit]
    private int Run(ReadOnlySpan<Arg> args, long* scratch, int words, NativeResult* results, int capacity)
    {
        if (args.Length > MostArguments) throw new ArgumentException($"{_name}: {args.Length} arguments were given; an operator takes at most {MostArguments}.");
        NativeArg* native = stackalloc NativeArg[MostArguments];
        long* end = scratch + words;
        for (int i = 0; i < args.Length; i++)
        {
            if (!args[i].Write(native + i, ref scratch, end)) return ScratchTooSmall;
        }
        int count = Native.pk_call(Handle, native, args.Length, results, capacity);
        // A finalizer must not free a tensor that libtorch is reading.
        foreach (ref readonly var arg in args) GC.KeepAlive(arg.Reference);
        return count < 0 ? throw Native.Failure(_name) : count;
    }
}
