using System.Text;

namespace PatchKit.Checkpoints;

/// <summary>Says what a file is that is no checkpoint.</summary>
internal static class UnknownFormat
{
    private const string Known = "PatchKit reads safetensors and what torch.save writes";

    internal static CheckpointException Describe(MappedFile file)
    {
        using var window = file.Look(0, Math.Min(file.Length, 512), "its beginning");
        return new CheckpointException(file.Path, What(window.Bytes, file.Length));
    }

    private static string What(ReadOnlySpan<byte> start, long length)
    {
        string text = Encoding.Latin1.GetString(start).TrimStart();
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
            return "is a Git LFS pointer, not the file it stands for; fetch that with `git lfs pull`.";
        if (
            text.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase)
        )
            return "is a web page, not a checkpoint; the download gave a page in its place, so follow the link in "
                + "a browser.";
        if (start is [0x1f, 0x8b, ..])
            return $"is compressed by gzip, where {Known}; unpack it with `gzip -d`.";
        if (start is [0x89, (byte)'H', (byte)'D', (byte)'F', ..])
            return $"is an HDF5 file, where {Known}; convert it in Python first.";
        if (start.Length > 262 && start[257..262].SequenceEqual("ustar"u8))
            return $"is a tar archive (PyTorch wrote such before 0.1.10), where {Known}; load it in Python and "
                + "save it again.";
        if (start is [0x80, <= 5, ..])
            return "is a Python pickle that torch.save did not write; PatchKit runs no pickles, so load it in "
                + "Python and save its tensors by torch.save.";
        return $"is no checkpoint that PatchKit knows: its {length:N0} bytes begin "
            + $"with {Convert.ToHexString(start[..Math.Min(start.Length, 8)])}, where {Known}; if it was one, "
            + "it is damaged.";
    }
}
