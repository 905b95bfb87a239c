using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>What is done to one image on its way into a batch. Any thread may call it.</summary>
public interface IImageTransform
{
    /// <summary>The side of the square that comes out.</summary>
    int Size { get; }

    /// <summary>Writes normalised planes (3, Size, Size); the image is left as it is.</summary>
    /// <param name="image">the image.</param>
    /// <param name="planes">room for the result.</param>
    /// <param name="random">the only source of chance.</param>
    void Apply(Image image, Span<float> planes, ref SampleRandom random);
}
