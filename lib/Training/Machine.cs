using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;
using PatchKit.Torch;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>
/// The kind of machine that a result comes from: bits repeat on one kind with one number of threads, and differ
/// slightly between kinds.
/// </summary>
/// <param name="Processor">such as "AMD EPYC".</param>
/// <param name="Cores">that the process may use.</param>
/// <param name="Threads">of libtorch's operators.</param>
/// <param name="Device">"cpu", or such as "cuda (NVIDIA H200)"; "cuda" alone where the driver does not name the
/// GPU.</param>
/// <param name="Libtorch">its version.</param>
/// <param name="System">the operating system.</param>
public sealed record Machine(string Processor, int Cores, int Threads, string Device, string Libtorch, string System)
{
    /// <summary>This machine.</summary>
    /// <param name="device">where models train.</param>
    public static Machine Here(Device device) =>
        new(
            CpuName(),
            Environment.ProcessorCount,
            get_num_threads(),
            NameOf(device),
            Engine.LibtorchVersion,
            RuntimeInformation.OSDescription
        );

    /// <summary>"AMD EPYC, 1 thread".</summary>
    internal string Hardware => $"{Processor}, {Threads} {(Threads == 1 ? "thread" : "threads")}";

    /// <summary>
    /// The commit that PatchKit was built from, with "-modified" where the sources were not the commit's; "unknown"
    /// outside a repository.
    /// </summary>
    public static string Commit { get; } =
        typeof(Machine)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')
            is [_, { Length: > 0 } hash]
            ? Short(hash)
            : "unknown";

    private static string Short(string commit) =>
        commit.Split('-', 2) is [var hash, var mark] ? $"{Short(hash)}-{mark}" : commit[..Math.Min(commit.Length, 12)];

    private static string NameOf(Device device)
    {
        string type = device.type.ToString().ToLowerInvariant();
        return Engine.DeviceName(device) is { } name ? $"{type} ({name})" : type;
    }

    private static string CpuName()
    {
        string? line = OperatingSystem.IsLinux()
            ? File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?.Split(':', 2)[1].Trim() ?? Brand() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    /// <summary>The name that an x86 processor gives itself; null for others.</summary>
    internal static string? Brand()
    {
        const int leaves = unchecked((int)0x80000000),
            first = leaves + 2,
            last = leaves + 4;
        if (!X86Base.IsSupported || (uint)X86Base.CpuId(leaves, 0).Eax < unchecked((uint)last))
            return null;
        var words = new List<int>();
        for (int leaf = first; leaf <= last; leaf++)
        {
            var (a, b, c, d) = X86Base.CpuId(leaf, 0);
            words.AddRange([a, b, c, d]);
        }
        string name = Encoding.ASCII.GetString(MemoryMarshal.AsBytes<int>(words.ToArray()));
        string[] parts = name.Split(['\0', ' '], StringSplitOptions.RemoveEmptyEntries);
        return parts.Length > 0 ? string.Join(' ', parts) : null;
    }
}
