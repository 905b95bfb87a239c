using static TorchSharp.torch;

namespace PatchKit;

/// <summary>TorchSharp has no collectives between processes: there are no backends, and the rest is never come to.</summary>
internal static class Collectives
{
    internal static CollectiveBackends Backends => CollectiveBackends.None;

    internal static string Absence => Lacks().Message;

    internal static nint OpenStore(string host, int port, int ranks, bool serve, bool wait, TimeSpan timeout) => throw Lacks();

    internal static void CloseStore(nint store) => throw Lacks();

    internal static void StoreSet(nint store, string key, byte[] bytes) => throw Lacks();

    internal static bool StoreHas(nint store, string key) => throw Lacks();

    internal static byte[] StoreGet(nint store, string key) => throw Lacks();

    internal static long StoreAdd(nint store, string key, long amount) => throw Lacks();

    internal static nint OpenGroup(nint store, int rank, int ranks, CollectiveBackends backend, TimeSpan timeout) => throw Lacks();

    internal static void CloseGroup(nint group) => throw Lacks();

    internal static void Abandon(nint group) => throw Lacks();

    internal static void AllReduce(nint group, Tensor tensor, ReduceOp reduction) => throw Lacks();

    internal static void Broadcast(nint group, Tensor tensor, int root) => throw Lacks();

    internal static void AllGather(nint group, Tensor tensor, Tensor[] results) => throw Lacks();

    internal static void Barrier(nint group) => throw Lacks();

    internal static nint OpenGradients(nint group, IReadOnlyList<Tensor> parameters, long bucketBytes) => throw Lacks();

    internal static void CloseGradients(nint gradients) => throw Lacks();

    internal static void Arm(nint gradients, Tensor extras) => throw Lacks();

    internal static void Finish(nint gradients, double[] extras) => throw Lacks();

    internal static void Exit(int code) => throw Lacks();

    private static NotSupportedException Lacks() => new("The TorchSharp backend has no collectives between processes; build PatchKit with the default TorchBackend=libtorch, or train in one process.");
}
