using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace PatchKit.Torch.Distributed;

/// <summary>Lets Gloo's ranks find each other through the key-value store.</summary>
internal sealed unsafe class GlooRendezvous
{
    private readonly KeyValueStore _store;
    private readonly TimeSpan _patience;
    private Exception? _failure;

    private GlooRendezvous(KeyValueStore store, TimeSpan patience) => (_store, _patience) = (store, patience);

    /// <summary>Connects a rank with all others.</summary>
    /// <returns>Gloo's group.</returns>
    /// <inheritdoc cref="GlooGroup(KeyValueStore, RankPlace, string, ProcessGroupOptions, CancellationToken)"/>
    internal static nint Open(KeyValueStore store, RankPlace place, string address, ProcessGroupOptions options)
    {
        string named = Environment.GetEnvironmentVariable("GLOO_SOCKET_IFNAME") ?? "";
        var rendezvous = new GlooRendezvous(store, options.Rendezvous);
        var handle = GCHandle.Alloc(rendezvous);
        try
        {
            var functions = new Gloo.Store
            {
                Context = GCHandle.ToIntPtr(handle),
                Set = &Set,
                Get = &Get,
            };
            var (meet, collective) = (
                (long)options.Rendezvous.TotalMilliseconds,
                (long)options.Collective.TotalMilliseconds
            );
            nint group = Gloo.pkg_open(place.Rank, place.Ranks, named, address, functions, meet, collective);
            if (group != 0)
                return group;
            if (rendezvous._failure is { } failure)
                ExceptionDispatchInfo.Throw(failure);
            Gloo.Check(
                -1,
                named.Length > 0
                    ? $"connecting by the interface {named}, of GLOO_SOCKET_IFNAME"
                    : $"connecting from {address}"
            );
            return 0;
        }
        finally
        {
            handle.Free();
        }
    }

    [UnmanagedCallersOnly]
    private static int Set(nint context, byte* key, byte* value, long length)
    {
        var own = Of(context);
        try
        {
            own._store.Set(Text(key), new ReadOnlySpan<byte>(value, checked((int)length)));
            return 0;
        }
        catch (Exception e)
        {
            return own.Failed(e);
        }
    }

    [UnmanagedCallersOnly]
    private static long Get(nint context, byte* key, byte* value, long room)
    {
        var own = Of(context);
        try
        {
            byte[] found = own._store.Get(Text(key), own._patience);
            found.AsSpan(0, (int)Math.Min(room, found.Length)).CopyTo(new Span<byte>(value, checked((int)room)));
            return found.Length;
        }
        catch (Exception e)
        {
            return own.Failed(e);
        }
    }

    // Gloo passes no exception on.
    private int Failed(Exception e)
    {
        _failure ??= e;
        return -1;
    }

    private static GlooRendezvous Of(nint context) => (GlooRendezvous)GCHandle.FromIntPtr(context).Target!;

    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text)!;
}
