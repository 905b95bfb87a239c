using PatchKit.Checkpoints;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Checkpoints;

/// <summary>
/// Opens a file, loads every tensor, together and one by one, and holds what that allocates against twice the file's
/// size.
/// </summary>
internal static class Measured
{
    // Exceptions, their traces, and what .NET makes once for each kind of code.
    private const long Small = 1L << 20;

    /// <summary>The tensors as text, or the sentence that refused the file.</summary>
    /// <param name="path">the file.</param>
    /// <param name="small">what may be allocated beyond twice its size.</param>
    internal static (SortedDictionary<string, string>? Tensors, string? Sentence) Load(string path, long small = Small)
    {
        long fileBytes = new FileInfo(path).Length;
        Engine.ResetPeakMemory();
        long nativeBefore = Engine.Memory().LiveBytes,
            managedBefore = GC.GetAllocatedBytesForCurrentThread();
        string? sentence = null;
        try
        {
            using var file = CheckpointFile.Open(path);
            using (NewDisposeScope())
                file.StateDict("");
            foreach (var tensor in file.Tensors("").Values)
                tensor.Load().Dispose();
        }
        catch (CheckpointException e)
        {
            sentence = e.Message;
        }
        long managed = GC.GetAllocatedBytesForCurrentThread() - managedBefore,
            native = Engine.Memory().PeakBytes - nativeBefore;
        Assert.True(
            managed + native <= 2 * fileBytes + small,
            $"{path} of {fileBytes:N0} bytes made {managed:N0} bytes of objects and {native:N0} of tensors "
                + $"({sentence ?? "loaded"})"
        );
        if (sentence is null)
            return (Text(path), null);
        Assert.StartsWith(path + " ", sentence);
        Assert.Matches(@"[.)]$", sentence);
        Assert.DoesNotContain(sentence, char.IsControl);
        return (null, sentence);
    }

    private static SortedDictionary<string, string> Text(string path)
    {
        using var scope = NewDisposeScope();
        using var file = CheckpointFile.Open(path);
        var texts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, tensor) in file.StateDict(""))
            texts[name] =
                $"{tensor.dtype} {string.Join(',', tensor.shape)} {Convert.ToHexString(tensor.contiguous().bytes)}";
        return texts;
    }
}
