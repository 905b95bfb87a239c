using static TorchSharp.torch;

namespace PatchKit.Checkpoints;

/// <summary>
/// The safetensors format: named tensors and text metadata, no code. https://github.com/huggingface/safetensors
/// describes it.
/// </summary>
public static class Safetensors
{
    /// <summary>Opens a file; its tensors are read, through memory, when they are loaded.</summary>
    /// <exception cref="CheckpointException">The file is absent, cut short or damaged, or its header says what cannot
    /// be.</exception>
    public static CheckpointFile Open(string path) =>
        CheckpointFile.Over(MappedFile.Open(path), SafetensorsHeader.Read);

    /// <summary>All tensors of a file, loaded.</summary>
    /// <exception cref="CheckpointException">The file is absent, cut short or damaged, or its header says what cannot
    /// be.</exception>
    public static Dictionary<string, Tensor> Read(string path)
    {
        using var file = Open(path);
        return file.StateDict("");
    }

    /// <summary>
    /// Writes tensors under a temporary name, flushes them to disk and renames the file, so that a reader finds the
    /// whole file or none of it. The same tensors give the same bytes. Tensors that share memory are written each on
    /// its own.
    /// </summary>
    /// <param name="path">the file; its folder must exist.</param>
    /// <param name="tensors">their names and values, of any device and strides.</param>
    /// <param name="metadata">text that the header carries.</param>
    /// <param name="overwrite">whether a file that exists is replaced.</param>
    /// <exception cref="CheckpointException">The file exists and may not be replaced, cannot be written, or a name or
    /// dtype cannot be stored.</exception>
    public static void Write(
        string path,
        IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        bool overwrite = true
    )
    {
        using var plain = no_grad();
        SafetensorsWriter.Write(
            path,
            tensors.Select(pair => new SafetensorsWriter.Item(
                pair.Key,
                pair.Value.dtype,
                pair.Value.shape,
                () => pair.Value.alias()
            )),
            metadata,
            overwrite
        );
    }

    /// <summary>Writes tensors of another file, one after the other, so that no more than one is in memory.</summary>
    /// <param name="path">the file; its folder must exist.</param>
    /// <param name="tensors">names and tensors, as <see cref="CheckpointFile.Tensors"/> gives them.</param>
    /// <param name="metadata">text that the header carries.</param>
    /// <param name="overwrite">whether a file that exists is replaced.</param>
    /// <exception cref="CheckpointException">The file exists and may not be replaced, cannot be written, or the other
    /// file is damaged.</exception>
    public static void Write(
        string path,
        IEnumerable<KeyValuePair<string, CheckpointTensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        bool overwrite = true
    )
    {
        using var plain = no_grad();
        SafetensorsWriter.Write(
            path,
            tensors.Select(pair => new SafetensorsWriter.Item(
                pair.Key,
                pair.Value.DType,
                pair.Value.Shape,
                pair.Value.Load
            )),
            metadata,
            overwrite
        );
    }
}
