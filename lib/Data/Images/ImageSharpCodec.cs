using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Tiff;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.Memory;
using SixLabors.ImageSharp.Metadata;
using SixLabors.ImageSharp.Metadata.Profiles.Exif;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;
using Sharp = SixLabors.ImageSharp;

namespace PatchKit.Data.Images;

/// <summary>
/// What is no JPEG or PNG: WebP, BMP, GIF (its first frame) and TIFF (its first page), by SixLabors.ImageSharp; and
/// JPEG and PNG where libpatchkit is absent. The header is held against the limits first, memory and time have a limit
/// of their own, and what ImageSharp throws becomes a sentence.
/// </summary>
internal static class ImageSharpCodec
{
    /// <summary>
    /// By how much a channel of a JPEG's pixel was seen to differ from Pillow's, at most: at edges of colours that are
    /// stored at half the size. Without that it is 2, as it is 1 for PNGs of 16 bits a channel; other PNGs do not
    /// differ. tests/Platforms/WithoutLibpatchkitTests.cs measures it.
    /// </summary>
    internal const int MostLevelsFromPillow = 120;

    // Decoding takes up to 12 bytes a pixel, so that 80 million stay below a gigabyte.
    private const int LongestSide = 65535,
        MostMegabytes = 1024,
        MostPixels = 80_000_000;

    // A file of a few bytes may be a picture of one colour, but not of any size: beyond 16 million pixels a byte must
    // hold no more than 1,024, which is what a page of a book comes to.
    private const int SmallPixels = 1 << 24,
        PixelsAByte = 1024;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(30);
    private static readonly Sharp.Configuration Files = Configured();

    /// <exception cref="ImageException">The bytes are no image that can be decoded.</exception>
    internal static Image Decode(ReadOnlySpan<byte> bytes, string name, DecodeOptions options)
    {
        byte[] file = bytes.ToArray();
        _ = Header(file, name, options);
        if (WholeFile.Lacks(file) is { } lack)
            throw new ImageException(name, lack);
        using var stop = new CancellationTokenSource(MostTime);
        using var decoded = Try(
            name,
            () => Sharp.Image.LoadAsync<Rgb24>(Files, new MemoryStream(file), stop.Token).GetAwaiter().GetResult()
        );
        if (options.Scale > 1 && Sharp.Image.DetectFormat(Files, file) is JpegFormat)
            decoded.Mutate(whole =>
                whole.Resize(
                    (decoded.Width + options.Scale - 1) / options.Scale,
                    (decoded.Height + options.Scale - 1) / options.Scale,
                    KnownResamplers.Box
                )
            );
        if (options.Upright)
            decoded.Mutate(whole => Turn(whole, Orientation(file, decoded.Metadata)));
        var image = new Image(decoded.Width, decoded.Height) { SourceBits = SampleBits(decoded) };
        decoded.CopyPixelDataTo(image.Pixels);
        return image;
    }

    /// <exception cref="ImageException">The bytes are no image that can be decoded.</exception>
    internal static (int Width, int Height) Size(ReadOnlySpan<byte> bytes, string name, DecodeOptions options)
    {
        byte[] file = bytes.ToArray();
        var header = Header(file, name, options);
        return options.Upright && Orientation(file, header.Metadata) >= 5
            ? (header.Height, header.Width)
            : (header.Width, header.Height);
    }

    /// <summary>Pixels (H, W) or (H, W, 3) as the bytes of a PNG file.</summary>
    internal static byte[] EncodePng(ReadOnlySpan<byte> pixels, int width, int height, int channels, int level)
    {
        using Sharp.Image image =
            channels == 1
                ? Sharp.Image.LoadPixelData<L8>(pixels, width, height)
                : Sharp.Image.LoadPixelData<Rgb24>(pixels, width, height);
        using var file = new MemoryStream();
        image.Save(
            file,
            new PngEncoder
            {
                ColorType = channels == 1 ? PngColorType.Grayscale : PngColorType.Rgb,
                CompressionLevel = (PngCompressionLevel)level,
            }
        );
        return file.ToArray();
    }

    private static Sharp.Configuration Configured()
    {
        var files = new Sharp.Configuration(
            new JpegConfigurationModule(),
            new PngConfigurationModule(),
            new WebpConfigurationModule(),
            new BmpConfigurationModule(),
            new GifConfigurationModule(),
            new TiffConfigurationModule()
        )
        {
            MemoryAllocator = MemoryAllocator.Create(
                new MemoryAllocatorOptions { AllocationLimitMegabytes = MostMegabytes }
            ),
            MaxDegreeOfParallelism = 1,
        };
        files.ImageFormatsManager.SetDecoder(
            GifFormat.Instance,
            new GifDecoder { DecodingMode = Sharp.Metadata.FrameDecodingMode.First }
        );
        files.ImageFormatsManager.SetDecoder(
            TiffFormat.Instance,
            new TiffDecoder { DecodingMode = Sharp.Metadata.FrameDecodingMode.First }
        );
        return files;
    }

    private static Sharp.IImageInfo Header(byte[] file, string name, DecodeOptions options)
    {
        if (file.Length == 0)
            throw new ImageException(name, "is empty (0 bytes).");
        var header =
            Try(name, () => Sharp.Image.Identify(Files, new MemoryStream(file)))
            ?? throw new ImageException(
                name,
                "is no JPEG, PNG, WebP, BMP, GIF or TIFF: it begins with the "
                    + $"bytes {string.Join(' ', file.Take(4).Select(value => $"{value:x2}"))}."
            );
        if (header.Width < 1 || header.Height < 1)
            throw new ImageException(
                name,
                $"says that it has {header.Width} x {header.Height} pixels, which are none."
            );
        string says = $"says that it has {header.Width} x {header.Height} pixels";
        long pixels = (long)header.Width * header.Height,
            most = Math.Min(options.MaxPixels, MostPixels);
        if (header.Width > LongestSide || header.Height > LongestSide || pixels > most)
            throw new ImageException(name, $"{says}; at most {most}, and {LongestSide} a side, are decoded.");
        long likely = SmallPixels + PixelsAByte * (long)file.Length;
        if (pixels > likely)
            throw new ImageException(
                name,
                $"{says} in {file.Length} bytes; of so few at most {likely} are decoded. Save it again, "
                    + "less compressed."
            );
        return header;
    }

    // Damaged files make ImageSharp throw nearly anything.
    private static T Try<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (OperationCanceledException e)
        {
            throw new ImageException(
                name,
                $"takes more than {MostTime.TotalSeconds:0} s to decode, which no ordinary image does; save it again.",
                e
            );
        }
        catch (Exception e) when (e is InvalidMemoryOperationException or OutOfMemoryException)
        {
            throw new ImageException(
                name,
                $"needs more than {MostMegabytes:N0} MiB at once to decode; save it again, smaller.",
                e
            );
        }
        catch (Exception e) when (e is not ImageException)
        {
            throw new ImageException(name, $"cannot be decoded: {e.Message.TrimEnd('.')}.", e);
        }
    }

    // A TIFF is what EXIF is made of; the others carry it.
    private static int Orientation(byte[] file, ImageMetadata metadata) =>
        Sharp.Image.DetectFormat(Files, file) is TiffFormat
            ? Tiff.Values(file, Tiff.Orientation) is [>= 1 and <= 8 and var stored, ..]
                ? (int)stored
                : 1
            : metadata.ExifProfile?.GetValue(ExifTag.Orientation) is { Value: >= 1 and <= 8 } found
                ? found.Value
                : 1;

    private static int SampleBits(Sharp.Image<Rgb24> decoded) =>
        Sharp.MetadataExtensions.GetTiffMetadata(decoded.Frames.RootFrame.Metadata).BitsPerSample is { Channel0: > 8 }
        || Sharp.MetadataExtensions.GetPngMetadata(decoded.Metadata).BitDepth == PngBitDepth.Bit16
            ? 16
            : 8;

    private static void Turn(IImageProcessingContext image, int orientation) =>
        _ = orientation switch
        {
            2 => image.Flip(FlipMode.Horizontal),
            3 => image.Rotate(RotateMode.Rotate180),
            4 => image.Flip(FlipMode.Vertical),
            5 => image.RotateFlip(RotateMode.Rotate90, FlipMode.Horizontal),
            6 => image.Rotate(RotateMode.Rotate90),
            7 => image.RotateFlip(RotateMode.Rotate270, FlipMode.Horizontal),
            8 => image.Rotate(RotateMode.Rotate270),
            _ => image,
        };
}
