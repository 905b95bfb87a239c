using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>
/// Calls back when a backward pass has added to a parameter's gradient: libtorch's post-accumulate-gradient hook, of
/// which a tensor has one. TorchSharp exports none, so libtorch's C++ object is built by hand: a pointer to its table
/// of virtual functions, laid out as the C++ ABI of GCC and Clang has it, and behind it what is called.
/// <see cref="Works"/> says whether that is known to fit this libtorch.
/// </summary>
internal sealed unsafe class GradientHook : IDisposable
{
    // The libtorch in which the virtual functions of torch::autograd::PostAccumulateGradHook were seen to be those of
    // the table below.
    private const string KnownLibtorch = "2.10.";

    // torch::autograd::impl::set_post_acc_grad_hooks(const at::TensorBase&, std::unique_ptr<PostAccumulateGradHook>)
    private const string SetterName =
        "_ZN5torch8autograd4impl23set_post_acc_grad_hooksERKN2at10TensorBaseE"
        + "St10unique_ptrINS0_22PostAccumulateGradHookESt14default_deleteIS7_EE";

    private static readonly delegate* unmanaged<nint, NativeHook**, void> s_set = FindSetter();
    private static readonly nint* s_table = MakeTable();
    private readonly Tensor _parameter;

    /// <summary>Begins to listen.</summary>
    /// <param name="parameter">a leaf that takes a gradient.</param>
    /// <param name="arrived">called on the thread that libtorch runs the backward pass on; it must throw
    /// nothing.</param>
    internal GradientHook(Tensor parameter, Action arrived)
    {
        _parameter = parameter;
        var hook = (NativeHook*)NativeMemory.Alloc((nuint)sizeof(NativeHook));
        *hook = new NativeHook { Table = s_table, Arrived = GCHandle.ToIntPtr(GCHandle.Alloc(arrived)) };
        Set(parameter, hook);
    }

    /// <summary>Whether hooks work with this libtorch, by its version and by a try.</summary>
    internal static bool Works { get; } = s_set != null && Try();

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        if (!_parameter.IsInvalid)
            Set(_parameter, null);
    }

    private static delegate* unmanaged<nint, NativeHook**, void> FindSetter()
    {
        bool known = __version__.StartsWith(KnownLibtorch, StringComparison.Ordinal) && !OperatingSystem.IsWindows();
        return (delegate* unmanaged<nint, NativeHook**, void>)(known ? NativeLibraries.TorchExport(SetterName, "") : 0);
    }

    private static bool Try()
    {
        using var scope = NewDisposeScope();
        using var recording = enable_grad();
        int calls = 0;
        var parameter = ones([2], requires_grad: true);
        using (new GradientHook(parameter, () => calls++))
            (parameter * parameter).sum().backward();
        (parameter * parameter).sum().backward();
        return calls == 1;
    }

    // The setter takes the object over, and deletes the one before; a unique_ptr is passed by the address of its
    // pointer.
    private static void Set(Tensor parameter, NativeHook* hook)
    {
        s_set(parameter.Handle, &hook);
        GC.KeepAlive(parameter);
    }

    private static nint* MakeTable()
    {
        // before it: the offset to the top, and no type information
        var table = (nint*)NativeMemory.AllocZeroed(7, (nuint)sizeof(nint)) + 2;
        // the destructor, and the deleting one, which alone is called
        table[0] = table[1] = (nint)(delegate* unmanaged<NativeHook*, void>)&Delete;
        table[2] = (nint)(delegate* unmanaged<NativeHook*, nint, void>)&Call;
        // compiled_args and apply_with_saved
        table[3] = table[4] = (nint)(delegate* unmanaged<NativeHook*, void>)&Compile;
        return table;
    }

    [UnmanagedCallersOnly]
    private static void Delete(NativeHook* hook)
    {
        GCHandle.FromIntPtr(hook->Arrived).Free();
        NativeMemory.Free(hook);
    }

    [UnmanagedCallersOnly]
    private static void Call(NativeHook* hook, nint parameter) =>
        ((Action)GCHandle.FromIntPtr(hook->Arrived).Target!)();

    [UnmanagedCallersOnly]
    private static void Compile(NativeHook* hook) =>
        Environment.FailFast(
            "libtorch's compiled autograd, which TorchSharp has not, asked a gradient hook of PatchKit's."
        );

    private struct NativeHook
    {
        internal nint* Table;
        internal nint Arrived;
    }
}
