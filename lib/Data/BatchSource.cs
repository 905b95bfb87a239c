namespace PatchKit.Data;

/// <summary>
/// Where an image of a batch comes from. It fills the top left of its place in the batch; the rest is padding.
/// </summary>
/// <param name="ImageId">Its id in its set.</param>
/// <param name="Height">The rows it has in the batch.</param>
/// <param name="Width">The columns it has in the batch.</param>
/// <param name="OriginalHeight">The rows it has in its set: predictions are scaled to them before they are
/// scored.</param>
/// <param name="OriginalWidth">The columns it has in its set.</param>
public sealed record BatchSource(long ImageId, int Height, int Width, int OriginalHeight, int OriginalWidth);
