using System.Runtime.InteropServices;

namespace PatchKit.Torch;

/// <content>TorchSharp's natives for nodes.</content>
internal sealed unsafe partial class AutogradNode
{
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Pointers
    {
        internal readonly nint Shared,
            Weak;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Handles(nint* array, long length)
    {
        internal readonly nint* Array = array;
        internal readonly long Length = length;
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate Handles ApplyFunction(nint* gradients, int count);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void DeleteFunction();

    // libtorch exports this one under its C++ name only. Without it what was saved stays until the graph goes, which is
    // right too.
    private static readonly delegate* unmanaged<byte> GraphKept = (delegate* unmanaged<byte>)
        NativeLibraries.TorchExport(
            "_ZN5torch8autograd33get_current_graph_task_keep_graphEv",
            "?get_current_graph_task_keep_graph@autograd@torch@@YA_NXZ"
        );

    private static bool GraphIsKept() => GraphKept is null || GraphKept() != 0;

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial Pointers THSAutograd_CSharpNode_ctor(nint apply, nint delete);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial void THSAutograd_CSharpNode_disposeSharedPtr(Pointers node);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial void THSAutograd_CSharpNode_disposeWeakPtr(Pointers node);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial void THSAutograd_CSharpNode_setNextEdges(Pointers node, Handles inputs, byte executable);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial void THSAutograd_CSharpNode_clearInputMetadata(Pointers node);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial void THSAutograd_Function_wrapOutputs(
        Handles inputs,
        Handles nonDifferentiable,
        Handles dirty,
        Handles outputs,
        Pointers node,
        delegate* unmanaged<nuint, nint*> allocator
    );

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial nint THSAutograd_SavedVariable_ctor(nint tensor, Pointers node, byte inPlaceOnView);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial nint THSAutograd_SavedVariable_unpack(nint saved, Pointers node);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial void THSAutograd_SavedVariable_dispose(nint saved);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial nint THSTorch_get_and_reset_last_err();

    private static void Check()
    {
        if (THSTorch_get_and_reset_last_err() is var sentence && sentence != 0)
            throw new ExternalException(Marshal.PtrToStringUTF8(sentence));
    }
}
