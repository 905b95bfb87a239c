using PatchKit.Data.Images;

namespace PatchKit.Data.Sets;

/// <summary>Labelled images by index: a folder, CIFAR, a packed set. Any thread may read.</summary>
public interface IImageSource
{
    /// <summary>How many images there are.</summary>
    int Count { get; }

    /// <summary>The names of the classes, by number.</summary>
    IReadOnlyList<string> Classes { get; }

    /// <summary>The class of an image.</summary>
    int Label(int index);

    /// <summary>What messages call an image, such as its file's path.</summary>
    string Name(int index);

    /// <summary>An image; dispose it when it has been used.</summary>
    /// <exception cref="ImageException">Its file cannot be decoded.</exception>
    Image Read(int index);
}
