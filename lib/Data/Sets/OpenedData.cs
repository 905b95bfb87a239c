namespace PatchKit.Data;

/// <summary>A set that <see cref="DataFolder"/> has opened; dispose it when it has been used.</summary>
/// <param name="Name">what the set is, such as "CIFAR-10"; without its path.</param>
/// <param name="Training">the images to learn from.</param>
/// <param name="Test">the images to report, with the same classes.</param>
/// <param name="NativeSize">the side of every image in pixels, 0 where sizes differ.</param>
/// <param name="Fingerprint">16 hexadecimal digits that tell one content from another, wherever the folder lies.</param>
public sealed record OpenedData(string Name, IImageSource Training, IImageSource Test, int NativeSize, string Fingerprint) : IDisposable
{
    /// <summary>Unmaps what was mapped.</summary>
    public void Dispose()
    {
        (Training as IDisposable)?.Dispose();
        (Test as IDisposable)?.Dispose();
    }
}
