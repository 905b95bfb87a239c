using System.Runtime.InteropServices;
using SixLabors.ImageSharp.PixelFormats;
using Sharp = SixLabors.ImageSharp;

namespace PatchKit.Display.Pictures;

/// <summary>
/// Pictures as images of SixLabors.ImageSharp, which rotates, filters, draws on and saves them, and back: the same
/// pixels.
/// </summary>
public static class ImageSharpPictures
{
    /// <summary>The picture's pixels, without boxes and legend, as an image to be disposed of.</summary>
    public static Sharp.Image<Rgb24> ToImageSharp(this Picture picture) =>
        Sharp.Image.LoadPixelData<Rgb24>(picture.Pixels, picture.Width, picture.Height);

    /// <summary>A copy of the image.</summary>
    public static Picture ToPicture(this Sharp.Image<Rgb24> image)
    {
        var pixels = new Rgb24[checked(image.Width * image.Height)];
        image.CopyPixelDataTo(pixels);
        return Picture.Of(image.Width, image.Height, MemoryMarshal.AsBytes<Rgb24>(pixels));
    }
}
