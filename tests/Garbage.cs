namespace PatchKit.Tests;

/// <summary>
/// What earlier tests left to the collector, brought to an end before a test counts tensors or bytes.
/// </summary>
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

    /// <summary>
    /// Brings down the amount of tensors above which they are collected: after a test that held gigabytes it stands at
    /// twice as much, and sinks by an eighth with each collection. The blocks are never written to and cost no memory.
    /// </summary>
    internal static void LowerTheLimit()
    {
        Collect();
        for (int block = 0, quick = 0; block < 4000 && quick < 5; block++)
        {
            int before = GC.CollectionCount(0);
            TorchSharp.torch.empty(64L << 20); // 256 MB
            Thread.Sleep(2);
            quick = GC.CollectionCount(0) > before ? quick + 1 : 0;
        }
        Collect();
    }
}
