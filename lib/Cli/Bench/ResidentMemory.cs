using System.Globalization;

namespace PatchKit.Cli;

/// <summary>The memory that the kernel says this process holds, from /proc.</summary>
internal static class ResidentMemory
{
    /// <summary>Starts the peak afresh from what is held now.</summary>
    internal static void ResetPeak()
    {
        if (File.Exists("/proc/self/clear_refs")) File.WriteAllText("/proc/self/clear_refs", "5");
    }

    /// <summary>The most bytes held since <see cref="ResetPeak"/>, or since the process began where that could not be done.</summary>
    internal static long PeakBytes()
    {
        string line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
