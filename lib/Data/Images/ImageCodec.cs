using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace PatchKit.Data.Images;

/// <summary>
/// Image files to images, and images to PNG files. JPEG and PNG are read by libpatchkit where it is built, all else by
/// ImageSharp. Any thread may call it.
/// </summary>
public static unsafe class ImageCodec
{
    private const long LargestFile = 1L << 30;

    /// <summary>
    /// How the names of files end that are taken for images, in lower case; what a file is, its bytes say.
    /// </summary>
    public static IReadOnlyList<string> Endings { get; } =
    [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"];

    /// <summary>Whether a file's name ends as an image's does.</summary>
    public static bool IsImage(string path) =>
        Endings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Decodes a file.</summary>
    /// <exception cref="ImageException">The file is missing, damaged, truncated, too large, or of no kind that is read;
    /// the message says which.</exception>
    public static Image Read(string path, DecodeOptions? options = null)
    {
        var file = Load(path, out int length);
        try
        {
            return Decode(file.AsSpan(0, length), path, options);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(file);
        }
    }

    /// <summary>Decodes a file's bytes.</summary>
    /// <param name="bytes">a whole file.</param>
    /// <param name="name">what messages call it.</param>
    /// <param name="options">how.</param>
    /// <exception cref="ImageException">The bytes are no image that can be decoded.</exception>
    public static Image Decode(ReadOnlySpan<byte> bytes, string name = "The image", DecodeOptions? options = null)
    {
        if (!IsNative(bytes))
            return ImageSharpCodec.Decode(bytes, name, options ?? DecodeOptions.Default);
        NativeImage native;
        var how = Native(options);
        fixed (byte* p = bytes)
            if (ImageLibrary.Decode(p, bytes.Length, &how, &native) < 0)
                throw new ImageException(name, ImageLibrary.Sentence);
        try
        {
            return new Image(
                native.Width,
                native.Height,
                new ReadOnlySpan<byte>(native.Data, checked(3 * native.Width * native.Height))
            )
            {
                SourceBits = PngHeader.Depth(bytes) ?? 8,
            };
        }
        finally
        {
            ImageLibrary.Free(native.Data);
        }
    }

    /// <summary>The width and height of an image, from its header.</summary>
    /// <exception cref="ImageException">The bytes are no image that can be decoded.</exception>
    public static (int Width, int Height) Size(
        ReadOnlySpan<byte> bytes,
        string name = "The image",
        DecodeOptions? options = null
    )
    {
        if (!IsNative(bytes))
            return ImageSharpCodec.Size(bytes, name, options ?? DecodeOptions.Default);
        NativeImage native;
        var how = Native(options);
        fixed (byte* p = bytes)
            if (ImageLibrary.Size(p, bytes.Length, &how, &native) < 0)
                throw new ImageException(name, ImageLibrary.Sentence);
        return (native.Width, native.Height);
    }

    /// <summary>An image as the bytes of a PNG file.</summary>
    /// <param name="image">the image.</param>
    /// <param name="level">zlib's effort, 0 to 9.</param>
    public static byte[] EncodePng(Image image, int level = 6) =>
        Encode(image.Pixels, image.Width, image.Height, 3, level);

    /// <summary>Grey pixels (H, W), such as a label map, as the bytes of a PNG file.</summary>
    /// <exception cref="ArgumentException">There are not width x height pixels.</exception>
    public static byte[] EncodeGreyPng(ReadOnlySpan<byte> pixels, int width, int height, int level = 6) =>
        Encode(pixels, width, height, 1, level);

    private static byte[] Encode(ReadOnlySpan<byte> pixels, int width, int height, int channels, int level)
    {
        if (width < 1 || height < 1 || pixels.Length != (long)width * height * channels)
            throw new ArgumentException(
                $"{width} x {height} pixels of {channels} bytes are {(long)width * height * channels} "
                    + $"bytes, but {pixels.Length} were given."
            );
        if (!ImageLibrary.Present)
            return ImageSharpCodec.EncodePng(pixels, width, height, channels, Math.Clamp(level, 0, 9));
        byte* png;
        long length;
        fixed (byte* p = pixels)
            if (ImageLibrary.EncodePng(p, width, height, channels, Math.Clamp(level, 0, 9), &png, &length) < 0)
                throw new ImageException("The image", ImageLibrary.Sentence);
        try
        {
            return new ReadOnlySpan<byte>(png, checked((int)length)).ToArray();
        }
        finally
        {
            ImageLibrary.Free(png);
        }
    }

    /// <summary>A file's bytes.</summary>
    /// <exception cref="ImageException">The file is missing, too large, or cannot be read.</exception>
    internal static byte[] Bytes(string path)
    {
        var rented = Load(path, out int length);
        try
        {
            return rented.AsSpan(0, length).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // The file in a rented array.
    private static byte[] Load(string path, out int length)
    {
        try
        {
            using SafeFileHandle file = File.OpenHandle(path, options: FileOptions.SequentialScan);
            long bytes = RandomAccess.GetLength(file);
            if (bytes > LargestFile)
                throw new ImageException(path, $"has {bytes:N0} bytes; images of up to {LargestFile:N0} are read.");
            var array = ArrayPool<byte>.Shared.Rent((int)bytes);
            for (length = 0; length < bytes; )
            {
                int read = RandomAccess.Read(file, array.AsSpan(length, (int)bytes - length), length);
                if (read == 0)
                    break;
                length += read;
            }
            return array;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ImageException(path, "does not exist; check the path.", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException && e is not ImageException))
        {
            throw new ImageException(
                path,
                Directory.Exists(path)
                    ? "is a folder, where an image is wanted; name the files in it."
                    : $"cannot be read: {e.Message}",
                e
            );
        }
    }

    private static bool IsNative(ReadOnlySpan<byte> bytes) =>
        ImageLibrary.Present && (PngHeader.IsPng(bytes) || bytes.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff]));

    private static NativeDecodeOptions Native(DecodeOptions? options)
    {
        options ??= DecodeOptions.Default;
        // An image's bytes must fit a C# array.
        return new NativeDecodeOptions
        {
            MaxPixels = Math.Min(options.MaxPixels, Array.MaxLength / 3),
            Scale = options.Scale,
            Orientation = options.Upright ? 1 : 0,
        };
    }
}
