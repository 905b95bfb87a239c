using System.Diagnostics;
using System.Globalization;

namespace PatchKit.Torch;

/// <summary>
/// Memory of the process as the system counts it: what there is where nobody counts libtorch's tensors.
/// </summary>
internal static class ResidentMemory
{
    private const string Status = "/proc/self/status",
        ClearReferences = "/proc/self/clear_refs";

    /// <summary>
    /// Bytes now, and the most since <see cref="ResetPeak"/>; on Windows and macOS since the process began.
    /// </summary>
    internal static (long Now, long Peak) Read()
    {
        if (OperatingSystem.IsLinux())
            return (Kilobytes("VmRSS:") << 10, Kilobytes("VmHWM:") << 10);
        using var process = Process.GetCurrentProcess();
        return (process.WorkingSet64, Math.Max(process.PeakWorkingSet64, process.WorkingSet64));
    }

    /// <summary>Starts the peak afresh where the system can: Linux.</summary>
    internal static void ResetPeak()
    {
        const string peakAlone = "5";
        try
        {
            if (OperatingSystem.IsLinux())
                File.WriteAllText(ClearReferences, peakAlone);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A container may forbid it; the peak is then that of the whole process.
        }
    }

    private static long Kilobytes(string key)
    {
        string line = File.ReadLines(Status).First(line => line.StartsWith(key, StringComparison.Ordinal));
        return long.Parse(
            line.AsSpan(key.Length, line.Length - key.Length - " kB".Length),
            CultureInfo.InvariantCulture
        );
    }
}
