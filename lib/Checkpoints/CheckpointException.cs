namespace PatchKit.Checkpoints;

/// <summary>
/// A checkpoint file that cannot be read or written: the message is a sentence that names the file, what was found and
/// the way out.
/// </summary>
public sealed class CheckpointException : IOException
{
    /// <summary>A sentence about a file.</summary>
    /// <param name="path">the file, which the message begins with.</param>
    /// <param name="sentence">what is wrong with it, as in "ends at byte 512; download it again."</param>
    /// <param name="inner">what raised it, where something did.</param>
    public CheckpointException(string path, string sentence, Exception? inner = null)
        : base($"{path} {sentence}", inner) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }
}
