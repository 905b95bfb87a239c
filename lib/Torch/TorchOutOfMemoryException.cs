namespace TorchSharp;

/// <summary>The device has no memory left for a tensor; lower the batch size, use gradient checkpointing, or a larger patch size.</summary>
/// <param name="message">The sentence that libtorch gave, after the operator's name.</param>
public sealed class TorchOutOfMemoryException(string message) : TorchException(message);
