namespace PatchKit.Tests;

/// <summary>What earlier tests left to the collector, brought to an end before a test counts tensors or bytes.</summary>
internal static class Garbage
{
    internal static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
