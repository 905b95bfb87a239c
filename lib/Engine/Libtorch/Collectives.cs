using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit;

/// <summary>Collectives between processes by libtorch's c10d: the C functions of libpatchkit_distributed.so (lib/Native/distributed), with tensors for handles.</summary>
internal static unsafe partial class Collectives
{
    private const string Library = Native.Distributed;

    /// <summary>Whether the library was built at all, and for what.</summary>
    internal static CollectiveBackends Backends { get; } = Find();

    /// <summary>Why there are none; empty where there are.</summary>
    internal static string Absence { get; private set; } = "";

    private static CollectiveBackends Find()
    {
        string? beside = Native.Find(out string reason) is { } bridge ? Path.Combine(Path.GetDirectoryName(bridge)!, $"lib{Library}.so") : null;
        if (beside is null || !File.Exists(beside))
        {
            Absence = beside is null ? reason : $"{beside} was not built: libtorch has no c10d with Gloo or NCCL, or their headers (libgloo-dev) were missing; install them and run environment/setup.sh.";
            return CollectiveBackends.None;
        }
        try
        {
            return (CollectiveBackends)pkd_backends();
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            Absence = e.Message;
            return CollectiveBackends.None;
        }
    }

    /// <summary>A connection to the store that rank 0 serves; one thread uses it.</summary>
    internal static nint OpenStore(string host, int port, int ranks, bool serve, bool wait, TimeSpan timeout) =>
        Check(pkd_store(host, port, ranks, serve ? 1 : 0, wait ? 1 : 0, (long)timeout.TotalMilliseconds), "the store");

    internal static void CloseStore(nint store) => pkd_store_free(store);

    internal static void StoreSet(nint store, string key, byte[] bytes)
    {
        fixed (byte* data = bytes) Check(pkd_store_set(store, key, data, bytes.Length), "the store");
    }

    internal static bool StoreHas(nint store, string key) => Check(pkd_store_check(store, key), "the store") == 1;

    internal static byte[] StoreGet(nint store, string key)
    {
        long length;
        byte* bytes = pkd_store_get(store, key, &length);
        if (bytes is null) throw Failure("the store");
        return new ReadOnlySpan<byte>(bytes, checked((int)length)).ToArray();
    }

    internal static long StoreAdd(nint store, string key, long amount)
    {
        long value;
        Check(pkd_store_add(store, key, amount, &value), "the store");
        return value;
    }

    internal static nint OpenGroup(nint store, int rank, int ranks, CollectiveBackends backend, TimeSpan timeout) => Check(pkd_group(store, rank, ranks, (int)backend, (long)timeout.TotalMilliseconds), "the group of ranks");

    internal static void CloseGroup(nint group) => pkd_group_free(group);

    /// <summary>Ends the wait that another thread is in.</summary>
    internal static void Abandon(nint group) => pkd_abandon(group);

    internal static void AllReduce(nint group, Tensor tensor, ReduceOp reduction)
    {
        Check(pkd_all_reduce(group, tensor.Handle, (int)reduction), "all_reduce");
        GC.KeepAlive(tensor);
    }

    internal static void Broadcast(nint group, Tensor tensor, int root)
    {
        Check(pkd_broadcast(group, tensor.Handle, root), "broadcast");
        GC.KeepAlive(tensor);
    }

    internal static void AllGather(nint group, Tensor tensor, Tensor[] results)
    {
        nint* handles = stackalloc nint[results.Length];
        for (int i = 0; i < results.Length; i++) handles[i] = results[i].Handle;
        Check(pkd_all_gather(group, tensor.Handle, handles), "all_gather");
        GC.KeepAlive(tensor);
        GC.KeepAlive(results);
    }

    internal static void Barrier(nint group) => Check(pkd_barrier(group), "barrier");

    internal static nint OpenGradients(nint group, IReadOnlyList<Tensor> parameters, long bucketBytes)
    {
        nint[] handles = [.. parameters.Select(parameter => parameter.Handle)];
        fixed (nint* first = handles)
        {
            nint gradients = Check(pkd_gradients(group, first, handles.Length, bucketBytes), "gradients");
            GC.KeepAlive(parameters);
            return gradients;
        }
    }

    internal static void CloseGradients(nint gradients) => pkd_gradients_free(gradients);

    internal static void Arm(nint gradients, Tensor extras)
    {
        Check(pkd_gradients_arm(gradients, extras.Handle), "gradients");
        GC.KeepAlive(extras);
    }

    internal static void Finish(nint gradients, double[] extras)
    {
        fixed (double* data = extras) Check(pkd_gradients_finish(gradients, data), "gradients");
    }

    /// <summary>Ends the process at once.</summary>
    internal static void Exit(int code) => pkd_exit(code);

    private static int Check(int status, string what) => status < 0 ? throw Failure(what) : status;

    private static nint Check(nint handle, string what) => handle == 0 ? throw Failure(what) : handle;

    private static TorchException Failure(string what)
    {
        int failure;
        string message = $"{what}: {Native.Text(pkd_error(&failure)).Trim()}";
        return failure == 2 ? new TorchOutOfMemoryException(message) : new TorchException(message); // as lib/Torch has it
    }

    [LibraryImport(Library)] private static partial byte* pkd_error(int* failure);
    [LibraryImport(Library)] private static partial int pkd_backends();
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] private static partial nint pkd_store(string host, int port, int ranks, int serve, int wait, long timeoutMilliseconds);
    [LibraryImport(Library)] private static partial void pkd_store_free(nint store);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] private static partial int pkd_store_set(nint store, string key, byte* bytes, long n);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] private static partial int pkd_store_check(nint store, string key);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] private static partial byte* pkd_store_get(nint store, string key, long* n);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] private static partial int pkd_store_add(nint store, string key, long amount, long* value);
    [LibraryImport(Library)] private static partial nint pkd_group(nint store, int rank, int size, int backend, long timeoutMilliseconds);
    [LibraryImport(Library)] private static partial void pkd_group_free(nint group);
    [LibraryImport(Library)] private static partial void pkd_abandon(nint group);
    [LibraryImport(Library)] private static partial int pkd_all_reduce(nint group, nint tensor, int reduce);
    [LibraryImport(Library)] private static partial int pkd_broadcast(nint group, nint tensor, int root);
    [LibraryImport(Library)] private static partial int pkd_all_gather(nint group, nint tensor, nint* results);
    [LibraryImport(Library)] private static partial int pkd_barrier(nint group);
    [LibraryImport(Library)] private static partial void pkd_exit(int code);
    [LibraryImport(Library)] private static partial nint pkd_gradients(nint group, nint* parameters, int n, long bucketBytes);
    [LibraryImport(Library)] private static partial void pkd_gradients_free(nint gradients);
    [LibraryImport(Library)] private static partial int pkd_gradients_arm(nint gradients, nint extras);
    [LibraryImport(Library)] private static partial int pkd_gradients_finish(nint gradients, double* extras);
}
