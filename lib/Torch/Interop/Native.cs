using System.Reflection;
using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>The C functions of libpatchkit.so (lib/Native/bridge).</summary>
internal static unsafe partial class Native
{
    private const string Library = "patchkit";

    static Native() => NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, Resolve);

    /// <summary>Where libpatchkit.so is looked for, in this order.</summary>
    internal static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable("PATCHKIT_NATIVE") is { Length: > 0 } named)
        {
            yield return named;
            yield break;
        }
        string beside = Path.GetDirectoryName(typeof(Native).Assembly.Location) is { Length: > 0 } folder ? folder : AppContext.BaseDirectory;
        yield return Path.Combine(beside, "libpatchkit.so");
        for (var up = new DirectoryInfo(beside); up is not null; up = up.Parent)
            yield return Path.Combine(up.FullName, "bin", "libpatchkit.so");
    }

    /// <summary>The library's path, or null with the reason as a sentence.</summary>
    internal static string? Find(out string reason)
    {
        string? path = Candidates().FirstOrDefault(File.Exists);
        reason = path is not null ? "" : $"libpatchkit.so was not found at {Candidates().First()}; run environment/setup.sh, which builds it.";
        return path;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? search)
    {
        if (name != Library) return 0;
        string path = Find(out string reason) ?? throw new DllNotFoundException(reason);
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (DllNotFoundException e)
        {
            throw new DllNotFoundException($"{path} could not be loaded, most likely because the libtorch it was built against has moved: {e.Message} Run environment/setup.sh again.", e);
        }
    }

    // -- errors --------------------------------------------------------------------------------------------------
    [LibraryImport(Library)] internal static partial byte* pk_error(int* failure);
    [LibraryImport(Library)] internal static partial void pk_request_stop(int stop);

    // -- operators -----------------------------------------------------------------------------------------------
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial nint pk_find_op(string name, string overload);
    [LibraryImport(Library)] internal static partial int pk_call(nint op, NativeArg* args, int n, NativeResult* results, int capacity);
    [LibraryImport(Library)] internal static partial byte* pk_op_schema(nint op);
    [LibraryImport(Library)] internal static partial int pk_op_runs_on(nint op, int deviceType);

    // -- tensors -------------------------------------------------------------------------------------------------
    [LibraryImport(Library)] internal static partial void pk_release(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long pk_dim(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long pk_numel(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int pk_dtype(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long pk_item_size(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int pk_is_contiguous(nint tensor);
    [LibraryImport(Library), SuppressGCTransition] internal static partial void pk_sizes(nint tensor, long* sizes);
    [LibraryImport(Library), SuppressGCTransition] internal static partial void pk_strides(nint tensor, long* strides);
    [LibraryImport(Library), SuppressGCTransition] internal static partial void pk_device(nint tensor, int* type, int* index);
    [LibraryImport(Library)] internal static partial void* pk_data(nint tensor);
    [LibraryImport(Library)] internal static partial nint pk_alias(nint tensor);
    [LibraryImport(Library)] internal static partial nint pk_from_bytes(void* bytes, long n, long* sizes, int dim, int dtype);
    [LibraryImport(Library)] internal static partial nint pk_from_blob(void* data, long* sizes, int dim, int dtype, delegate* unmanaged<nint, void> release, nint context);

    // -- autograd ------------------------------------------------------------------------------------------------
    [LibraryImport(Library), SuppressGCTransition] internal static partial int pk_grad_enabled();
    [LibraryImport(Library), SuppressGCTransition] internal static partial void pk_set_grad_enabled(int enabled);
    [LibraryImport(Library)] internal static partial int pk_requires_grad(nint tensor);
    [LibraryImport(Library)] internal static partial int pk_is_leaf(nint tensor);
    [LibraryImport(Library)] internal static partial int pk_set_requires_grad(nint tensor, int requiresGrad);
    [LibraryImport(Library)] internal static partial int pk_retain_grad(nint tensor);
    [LibraryImport(Library)] internal static partial nint pk_grad(nint tensor);
    [LibraryImport(Library)] internal static partial int pk_set_grad(nint tensor, nint grad);
    [LibraryImport(Library)] internal static partial byte* pk_grad_fn(nint tensor);
    [LibraryImport(Library)] internal static partial int pk_backward(nint* tensors, nint* gradients, int n, int retainGraph, int createGraph);
    [LibraryImport(Library)] internal static partial int pk_gradients(nint* outputs, nint* gradients, int nOutputs, nint* inputs, int nInputs, int retainGraph, int createGraph, int allowUnused, nint* results);

    [LibraryImport(Library)] internal static partial nint pk_checkpoint(nint input, nint output, delegate* unmanaged[Cdecl]<nint, nint, nint> backward, delegate* unmanaged[Cdecl]<nint, void> release, nint context);

    // -- process state -------------------------------------------------------------------------------------------
    [LibraryImport(Library)] internal static partial byte* pk_version();
    [LibraryImport(Library)] internal static partial byte* pk_torch_path();
    [LibraryImport(Library)] internal static partial byte* pk_build_config();
    [LibraryImport(Library)] internal static partial int pk_threads();
    [LibraryImport(Library)] internal static partial int pk_set_threads(int n);
    [LibraryImport(Library)] internal static partial int pk_manual_seed(long seed);
    [LibraryImport(Library)] internal static partial nint pk_generator(int deviceType, int deviceIndex, long seed);
    [LibraryImport(Library)] internal static partial nint pk_default_generator(int deviceType, int deviceIndex);
    [LibraryImport(Library)] internal static partial void pk_release_generator(nint generator);
    [LibraryImport(Library)] internal static partial long pk_generator_seed(nint generator);
    [LibraryImport(Library)] internal static partial int pk_set_generator_seed(nint generator, long seed);
    [LibraryImport(Library)] internal static partial nint pk_generator_state(nint generator);
    [LibraryImport(Library)] internal static partial int pk_set_generator_state(nint generator, nint state);
    [LibraryImport(Library)] internal static partial int pk_cuda_devices();
    [LibraryImport(Library)] internal static partial int pk_cuda_synchronize(int index);
    [LibraryImport(Library)] internal static partial int pk_autocast(int deviceType);
    [LibraryImport(Library)] internal static partial int pk_set_autocast(int deviceType, int dtype);
    [LibraryImport(Library)] internal static partial int pk_set_autocast_cache(int enabled);
    [LibraryImport(Library)] internal static partial void pk_clear_autocast_cache();
    [LibraryImport(Library)] internal static partial int pk_increment_autocast_nesting();
    [LibraryImport(Library)] internal static partial int pk_decrement_autocast_nesting();
    [LibraryImport(Library)] internal static partial int pk_set_deterministic(int enabled);
    [LibraryImport(Library)] internal static partial int pk_deterministic();
    [LibraryImport(Library)] internal static partial int pk_set_tf32(int enabled);
    [LibraryImport(Library)] internal static partial void pk_cpu_memory(long* liveAndPeakBytesAndBlocks);
    [LibraryImport(Library)] internal static partial void pk_reset_peak_cpu_memory();
    [LibraryImport(Library)] internal static partial void pk_limit_cpu_memory(long bytes);
    [LibraryImport(Library)] internal static partial int pk_cuda_memory(int index, long* totalFreeLiveAndPeakBytes);
    [LibraryImport(Library)] internal static partial int pk_reset_peak_cuda_memory(int index);
    [LibraryImport(Library)] internal static partial int pk_empty_cuda_cache();
    [LibraryImport(Library)] internal static partial double pk_bench_typed(int which, long calls);

    /// <summary>A C string as a C# one.</summary>
    internal static string Text(byte* utf8) => Marshal.PtrToStringUTF8((nint)utf8) ?? "";

    /// <summary>What a C# callback threw under a native call; that call's failure is then this.</summary>
    internal static Exception? CallbackFailure { get; set; }

    /// <summary>The thread's last failure as an exception, prefixed by what was being called.</summary>
    internal static Exception Failure(string what)
    {
        int failure;
        string sentence = Text(pk_error(&failure)).Trim();
        if (CallbackFailure is { } thrown)
        {
            CallbackFailure = null;
            return thrown;
        }
        string message = sentence.StartsWith(what, StringComparison.Ordinal) ? sentence : $"{what}: {sentence}";
        return failure switch
        {
            2 => new TorchOutOfMemoryException(message),
            3 => new OperationCanceledException(message),
            _ => new TorchException(message),
        };
    }

    /// <summary>Throws when a status is negative.</summary>
    internal static int Check(int status, string what) => status < 0 ? throw Failure(what) : status;

    /// <summary>Throws when a handle is null.</summary>
    internal static nint Check(nint handle, string what) => handle == 0 ? throw Failure(what) : handle;
}
