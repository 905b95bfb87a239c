using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch.Calls;

/// <summary>
/// libpatchkit.so's kernels (lib/Native/api): whether they are there, and how a call of one ends. Operands are checked
/// before, in lib/Ops.
/// </summary>
internal static unsafe partial class Kernels
{
    // Mirrors patchkit::api::version in lib/Native/api/abi.h.
    internal const int Version = 2;

    // What a library says that was built for instructions which this processor lacks.
    private const int OtherProcessor = -1;

    private static readonly Lazy<bool> Loaded = new(Load);

    /// <summary>
    /// Whether libpatchkit.so is there and for this processor; without it operators take their forms made of tensor
    /// operators.
    /// </summary>
    /// <exception cref="DllNotFoundException">It is there, but cannot be loaded or is of another version.</exception>
    internal static bool Present => Loaded.Value;

    /// <summary>Whether libpatchkit computes on the tensor's device.</summary>
    internal static bool On(Tensor tensor) => tensor.device_type == DeviceType.CPU && Present;

    /// <exception cref="NotSupportedException">They are not here.</exception>
    internal static void Require(string what)
    {
        if (Present)
            return;
        string reason = NativeLibraries.Find(out string absence) is { } path
            ? $"{path} was built for another processor; run environment/setup.sh, which builds it for this one."
            : absence;
        throw new NotSupportedException($"{what} needs libpatchkit, which is not here: {reason}");
    }

    /// <summary>
    /// While set, kernels stop at their next tile and throw <see cref="OperationCanceledException"/>.
    /// </summary>
    internal static void RequestStop(bool stop)
    {
        if (Present)
            pk_request_stop(stop ? 1 : 0);
    }

    /// <summary>Throws where a kernel did not finish.</summary>
    /// <param name="result">what its entry returned, a Result of lib/Native/api/abi.h.</param>
    /// <param name="name">the operator's, such as "ssd_scan".</param>
    internal static void Finish(int result, string name)
    {
        if (result == 1)
            return;
        throw result switch
        {
            0 => new OperationCanceledException($"cancelled while running patchkit::{name}"),
            -1 => new OutOfMemoryException(
                $"patchkit::{name}: the machine has no memory left for what the operator works with; use a "
                    + "smaller batch or a larger patch size."
            ),
            _ => new InvalidOperationException($"patchkit::{name} failed inside libpatchkit.so; please report it."),
        };
    }

    private static bool Load()
    {
        if (NativeLibraries.Find(out _) is not { } path)
            return false;
        int version;
        try
        {
            version = pk_version();
        }
        catch (EntryPointNotFoundException)
        {
            version = 0;
        }
        if (version == OtherProcessor)
            return false;
        if (version != Version)
            throw new DllNotFoundException(
                $"{path} is of version {version}, but this program needs version {Version}; run "
                    + "environment/setup.sh, which builds it anew."
            );
        return true;
    }

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_version();

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial void pk_request_stop(int stop);
}
