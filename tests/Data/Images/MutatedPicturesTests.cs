using System.Buffers.Binary;
using System.Diagnostics;
using PatchKit.Data.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Tiff;
using SixLabors.ImageSharp.Formats.Tiff.Constants;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;
using Xunit;

namespace PatchKit.Tests.Data.Images;

/// <summary>
/// Files that are damaged, or made to harm, of every format that ImageSharp reads here: an image or a sentence with the
/// file's name, soon, and without much memory.
/// </summary>
[Trait("speed", "slow")]
public sealed class MutatedPicturesTests(ITestOutputHelper output)
{
    private const int Files = 500,
        MostMegabytes = 1024;

    private static readonly Dictionary<string, IImageEncoder> s_encoders = new()
    {
        ["webp, lossy"] = new WebpEncoder { FileFormat = WebpFileFormatType.Lossy },
        ["webp, lossless"] = new WebpEncoder { FileFormat = WebpFileFormatType.Lossless },
        ["bmp"] = new SixLabors.ImageSharp.Formats.Bmp.BmpEncoder(),
        ["gif"] = new GifEncoder(),
        ["tiff, plain"] = new TiffEncoder { Compression = TiffCompression.None },
        ["tiff, deflate"] = new TiffEncoder { Compression = TiffCompression.Deflate },
        ["tiff, lzw"] = new TiffEncoder { Compression = TiffCompression.Lzw },
        ["tiff, packed bits"] = new TiffEncoder { Compression = TiffCompression.PackBits },
        ["jpeg"] = new JpegEncoder(),
        ["png"] = new PngEncoder(),
    };

    private const string Progressive = "jpeg, progressive";

    public static TheoryData<string> Formats => [.. s_encoders.Keys, Progressive];

    [Theory, MemberData(nameof(Formats))]
    public void EachBecomesAnImageOrASentenceWithinFiveSecondsAndAGigabyte(string format)
    {
        byte[] whole = format == Progressive ? ProgressiveJpeg() : Encoded(s_encoders[format]);
        ImageSharpCodec.Decode(whole, "whole", DecodeOptions.Default).Dispose();
        var random = new Random(20261130);
        var (images, slowest, most) = (0, TimeSpan.Zero, 0L);
        for (int i = 0; i < Files; i++)
        {
            byte[] file = Mutated(whole, random, i);
            var (decoded, took, grown) = Tried(file);
            if (decoded)
                images++;
            Assert.True(took.TotalSeconds <= 5, $"file {i} took {took.TotalSeconds:0.0} s");
            Assert.True(grown <= (long)MostMegabytes << 20, $"file {i} took {grown >> 20} MiB");
            (slowest, most) = (took > slowest ? took : slowest, Math.Max(most, grown));
        }
        output.WriteLine(
            $"{format}: {images} of {Files} images, the slowest {slowest.TotalMilliseconds:0} ms, "
                + $"at most {most >> 20} MiB"
        );
    }

    /// <summary>
    /// The JPEG of 1.2 KB that ImageSharp alone took 4.7 GB for: it says that it is larger than it is.
    /// </summary>
    [Theory, InlineData(4096, 4096, false), InlineData(4096, 8192, true), InlineData(60_000, 2_000, true)]
    public void AProgressiveJpegOfFewBytesTakesNoGigabyte(int width, int height, bool isRefused)
    {
        byte[] file = ProgressiveJpeg();
        int frame = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xc2]);
        BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(frame + 5), (ushort)height);
        BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(frame + 7), (ushort)width);
        var (decoded, took, grown) = Tried(file);
        output.WriteLine($"{width} x {height}: {took.TotalMilliseconds:0} ms, {grown >> 20} MiB");
        Assert.False(isRefused && decoded);
        Assert.True(took.TotalSeconds <= 5, $"{took.TotalSeconds:0.0} s");
        Assert.True(grown <= (long)MostMegabytes << 20, $"{grown >> 20} MiB");
    }

    /// <summary>
    /// Whether a file is decoded, else refused by a sentence; the processor's time, as the wall's is other programs',
    /// too; and by how much the process grew.
    /// </summary>
    private static (bool Decoded, TimeSpan Took, long Grown) Tried(byte[] file)
    {
        long before = Environment.WorkingSet,
            peak = before;
        using var over = new ManualResetEventSlim();
        var watch = new Thread(() =>
        {
            do peak = Math.Max(peak, Environment.WorkingSet);
            while (!over.Wait(2));
        });
        watch.Start();
        var worked = Process.GetCurrentProcess().TotalProcessorTime;
        bool decoded = false;
        try
        {
            ImageSharpCodec.Decode(file, "mutated", DecodeOptions.Default).Dispose();
            decoded = true;
        }
        catch (ImageException e)
        {
            Assert.StartsWith("mutated ", e.Message);
            Assert.EndsWith(".", e.Message);
        }
        finally
        {
            over.Set();
            watch.Join();
        }
        return (decoded, Process.GetCurrentProcess().TotalProcessorTime - worked, peak - before);
    }

    private static byte[] ProgressiveJpeg() =>
        System.IO.File.ReadAllBytes(Path.Combine(PatchKit.Tests.Data.Images.ImageFiles.Folder, "progressive.jpg"));

    // With metadata, so that there is more to damage.
    private static byte[] Encoded(IImageEncoder encoder)
    {
        using var image = new Image<Rgb24>(80, 60);
        var random = new Random(1);
        for (int y = 0; y < image.Height; y++)
        for (int x = 0; x < image.Width; x++)
            image[x, y] = new Rgb24((byte)(3 * x), (byte)(4 * y), (byte)(x / 20 * 40 + random.Next(20)));
        image.Metadata.ExifProfile = new();
        image.Metadata.ExifProfile.SetValue(SixLabors.ImageSharp.Metadata.Profiles.Exif.ExifTag.Orientation, (ushort)6);
        using var file = new MemoryStream();
        image.Save(file, encoder);
        return file.ToArray();
    }

    // In turn: bytes anywhere, bytes of the header, large numbers in the header, a piece cut out or doubled, the end
    // cut off.
    private static byte[] Mutated(byte[] whole, Random random, int kind)
    {
        byte[] file = [.. whole];
        int at = random.Next(file.Length),
            length = random.Next(1, Math.Min(64, file.Length - at + 1)),
            header = Math.Min(128, file.Length - 4);
        switch (kind % 6)
        {
            case 0:
                for (int k = random.Next(1, 12); k > 0; k--)
                    file[random.Next(file.Length)] = (byte)random.Next(256);
                return file;
            case 1:
                for (int k = random.Next(1, 4); k > 0; k--)
                    file[random.Next(header)] = (byte)random.Next(256);
                return file;
            case 2:
                random.NextBytes(file.AsSpan(random.Next(header), 2));
                file.AsSpan(random.Next(header), random.Next(1, 5)).Fill(0xff);
                return file;
            case 3:
                return [.. file[..at], .. file[(at + length)..]];
            case 4:
                return [.. file[..at], .. file.AsSpan(at, length), .. file[at..]];
            default:
                return file[..at];
        }
    }
}
