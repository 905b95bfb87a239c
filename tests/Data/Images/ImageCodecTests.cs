using System.IO.Compression;
using PatchKit.Data.Images;
using Xunit;

namespace PatchKit.Tests.Data.Images;

/// <summary>
/// Decoding against Pillow, byte for byte, over all formats; refusals; and files that were tampered with.
/// </summary>
public sealed class ImageCodecTests
{
    public static TheoryData<string> Lines => [.. File.ReadAllLines(Path.Combine(ImageFiles.Folder, "expected.tsv"))];

    [Theory, MemberData(nameof(Lines))]
    public void DecodesAsPillow(string line)
    {
        var (name, width, height, upright) = Parse(line);
        int from = 0;
        foreach (
            string before in File.ReadLines(Path.Combine(ImageFiles.Folder, "expected.tsv"))
                .TakeWhile(other => other != line)
        )
            from += 3 * Parse(before).Width * Parse(before).Height;
        var options = upright ? DecodeOptions.Default : DecodeOptions.Official;
        using var image = ImageCodec.Read(Path.Combine(ImageFiles.Folder, name), options);
        Assert.Equal((width, height), (image.Width, image.Height));
        Assert.True(
            image.Pixels.SequenceEqual(Expected().AsSpan(from, 3 * width * height)),
            $"{name} differs from Pillow's pixels"
        );
        Assert.Equal(
            (width, height),
            ImageCodec.Size(File.ReadAllBytes(Path.Combine(ImageFiles.Folder, name)), name, options)
        );
    }

    [Theory, InlineData(1, 33, 29), InlineData(2, 17, 15), InlineData(4, 9, 8), InlineData(8, 5, 4)]
    public void DecodesJpegsSmaller(int scale, int width, int height)
    {
        using var image = ImageCodec.Read(
            Path.Combine(ImageFiles.Folder, "colour_420.jpg"),
            new DecodeOptions { Scale = scale }
        );
        Assert.Equal((width, height), (image.Width, image.Height));
    }

    [Fact]
    public void PngsComeBackAsTheyWent()
    {
        using var image = ImageCodec.Read(Path.Combine(ImageFiles.Folder, "colour.png"));
        using var again = ImageCodec.Decode(ImageCodec.EncodePng(image));
        Assert.True(image.Pixels.SequenceEqual(again.Pixels));
        byte[] labels = [0, 1, 2, 250, 251, 252];
        using var grey = ImageCodec.Decode(ImageCodec.EncodeGreyPng(labels, 3, 2));
        Assert.Equal(labels, grey.Pixels.ToArray().Where((_, i) => i % 3 == 0));
    }

    [
        Theory,
        InlineData("progressive.jpg"),
        InlineData("colour_420.jpg"),
        InlineData("cmyk.jpg"),
        InlineData("colour.png"),
        InlineData("interlaced.png")
    ]
    public void RefusesTruncatedFilesByName(string name)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(ImageFiles.Folder, name));
        foreach (int length in new[] { 20, whole.Length / 4, whole.Length / 2, whole.Length * 3 / 4 })
        {
            string sentence = Assert
                .Throws<ImageException>(() => ImageCodec.Decode(whole.AsSpan(0, length), "cut/" + name))
                .Message;
            Assert.StartsWith($"cut/{name} is truncated: ", sentence);
        }
    }

    [Fact]
    public void RefusesWhatIsNoImage()
    {
        Refused([], "is empty (0 bytes)");
        Refused("GIF89a..."u8, "cannot be decoded");
        Refused(
            File.ReadAllBytes(Path.Combine(ImageFiles.Folder, "make.py")),
            "is no JPEG, PNG, WebP, BMP, GIF or TIFF: it begins with the bytes"
        );
        Assert.Contains(
            "does not exist",
            Assert.Throws<ImageException>(() => ImageCodec.Read("/no/such/file.jpg")).Message
        );
        Assert.Contains("is a folder", Assert.Throws<ImageException>(() => ImageCodec.Read(ImageFiles.Folder)).Message);
    }

    [Fact]
    public void RefusesHugeImagesBeforeTakingMemory()
    {
        byte[] png = File.ReadAllBytes(Path.Combine(ImageFiles.Folder, "colour.png"));
        byte[] jpeg = File.ReadAllBytes(Path.Combine(ImageFiles.Folder, "colour_420.jpg"));
        long before = GC.GetTotalAllocatedBytes();
        Refused(WithPngSize(png, 100_000, 100_000), "100000 x 100000");
        Refused(WithPngSize(png, 60_000, 60_000), "60000 x 60000");
        Refused(WithPngSize(png, 12_000, 12_000), "too few for 12000 x 12000");
        Refused(WithJpegSize(jpeg, 65_000, 65_000), "65000 x 65000");
        Assert.Contains(
            "33 x 29",
            Assert
                .Throws<ImageException>(() => ImageCodec.Decode(jpeg, "x", new DecodeOptions { MaxPixels = 900 }))
                .Message
        );
        Assert.True(GC.GetTotalAllocatedBytes() - before < 1 << 20);
    }

    [Fact]
    public void MutatedFilesNeverCrash()
    {
        string[] names =
        [
            .. Directory
                .EnumerateFiles(ImageFiles.Folder)
                .Where(path => path.EndsWith(".jpg") || path.EndsWith(".png"))
                .Order(),
        ];
        var random = new Random(500);
        int decoded = 0,
            refused = 0;
        for (int i = 0; i < 500; i++)
        {
            byte[] bytes = Mutate(File.ReadAllBytes(names[random.Next(names.Length)]), random);
            try
            {
                // 4 million pixels: a mutated size must not make the test slow.
                using var image = ImageCodec.Decode(bytes, "mutated", new DecodeOptions { MaxPixels = 4 << 20 });
                Assert.True(image.Width > 0 && image.Height > 0);
                decoded++;
            }
            catch (ImageException e)
            {
                Assert.StartsWith("mutated ", e.Message);
                Assert.EndsWith(".", e.Message);
                refused++;
            }
        }
        Assert.True(decoded > 20 && refused > 100, $"{decoded} decoded, {refused} refused");
    }

    private static void Refused(ReadOnlySpan<byte> bytes, string words)
    {
        byte[] copy = bytes.ToArray();
        Assert.Contains(words, Assert.Throws<ImageException>(() => ImageCodec.Decode(copy)).Message);
    }

    // Flipped bits, overwritten runs, cuts, truncations, repeats; in PNGs the checksums are mended half the time, so
    // that decoding goes further.
    private static byte[] Mutate(byte[] bytes, Random random)
    {
        List<byte> mutated = [.. bytes];
        for (int change = random.Next(1, 6); change > 0; change--)
        {
            int at = random.Next(mutated.Count);
            switch (random.Next(6))
            {
                case 0:
                    mutated[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    mutated[at] = (byte)random.Next(256);
                    break;
                case 2:
                    for (int i = at; i < Math.Min(at + random.Next(1, 20), mutated.Count); i++)
                        mutated[i] = (byte)(random.Next(2) * 255);
                    break;
                case 3:
                    mutated.RemoveRange(at, Math.Min(random.Next(1, 30), mutated.Count - at - 1));
                    break;
                case 4 when at > 0:
                    mutated.RemoveRange(at, mutated.Count - at);
                    break;
                default:
                    mutated.InsertRange(at, mutated.GetRange(at, Math.Min(random.Next(1, 30), mutated.Count - at)));
                    break;
            }
        }
        byte[] result = [.. mutated];
        if (random.Next(2) == 0)
            MendChecksums(result);
        return result;
    }

    private static byte[] WithPngSize(byte[] png, int width, int height)
    {
        var changed = (byte[])png.Clone();
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(16), width);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(20), height);
        MendChecksums(changed);
        return changed;
    }

    private static byte[] WithJpegSize(byte[] jpeg, int width, int height)
    {
        var changed = (byte[])jpeg.Clone();
        int frame = changed.AsSpan().IndexOf([(byte)0xff, (byte)0xc0]);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(changed.AsSpan(frame + 5), (ushort)height);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(changed.AsSpan(frame + 7), (ushort)width);
        return changed;
    }

    private static void MendChecksums(byte[] png)
    {
        if (png.Length < 8 || png[1] != 'P')
            return;
        for (int at = 8; at + 12 <= png.Length; )
        {
            uint length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at));
            if (length > png.Length - at - 12)
                return;
            uint crc = PatchKit.Checkpoints.Crc32.Append(0, png.AsSpan(at + 4, (int)length + 4));
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(at + 8 + (int)length), crc);
            at += 12 + (int)length;
        }
    }

    private static byte[] Expected()
    {
        using var packed = new ZLibStream(
            File.OpenRead(Path.Combine(ImageFiles.Folder, "expected.bin")),
            CompressionMode.Decompress
        );
        using var pixels = new MemoryStream();
        packed.CopyTo(pixels);
        return pixels.ToArray();
    }

    private static (string Name, int Width, int Height, bool Upright) Parse(string line) =>
        line.Split('\t') is [var name, var width, var height, var upright]
            ? (name, int.Parse(width), int.Parse(height), upright == "1")
            : throw new FormatException(line);
}
