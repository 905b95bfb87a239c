namespace PatchKit.Data.Images;

/// <summary>
/// An image or a data set that cannot be read or written: the message is a sentence that names the file, what was found
/// and, where there is one, the way out.
/// </summary>
public sealed class ImageException : IOException
{
    /// <summary>A sentence about a file.</summary>
    /// <param name="path">the file, which the message begins with.</param>
    /// <param name="sentence">what is wrong with it, as in "is truncated: ...".</param>
    /// <param name="inner">what raised it, where something did.</param>
    public ImageException(string path, string sentence, Exception? inner = null)
        : base($"{path} {sentence}", inner) => (Path, Sentence) = (path, sentence);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The message without the file's name.</summary>
    public string Sentence { get; }
}
