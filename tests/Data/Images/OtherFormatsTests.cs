using System.Buffers.Binary;
using PatchKit.Cli;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using PatchKit.Tests.Cli;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Data.Images;

/// <summary>
/// WebP, BMP, GIF and TIFF files are images, too, wherever images are read, and what is passed over is counted:
/// https://github.com/pytorch/vision/issues/735, https://github.com/huggingface/pytorch-image-models/issues/1335. The
/// files here are written byte by byte after the formats' descriptions.
/// </summary>
public sealed class OtherFormatsTests : IDisposable
{
    private const int Width = 3,
        Height = 2;
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    public static TheoryData<string> Formats => ["bmp", "tif", "gif", "webp"];

    [Theory, MemberData(nameof(Formats))]
    public void PixelsAreTheFiles(string format)
    {
        using var image = ImageCodec.Read(_scratch.Put($"a.{format}", File(format)));
        Assert.Equal((Width, Height), (image.Width, image.Height));
        Assert.Equal((Width, Height), ImageCodec.Size(File(format)));
        for (int y = 0; y < Height; y++)
        for (int x = 0; x < Width; x++)
            Assert.Equal(Scene(format, x, y), (image.Row(y)[3 * x], image.Row(y)[3 * x + 1], image.Row(y)[3 * x + 2]));
    }

    [Fact]
    public void ClassFoldersHoldThemAndCountTheRest()
    {
        foreach (string part in new[] { "train", "val" })
        foreach (string name in new[] { "a", "b" })
        {
            foreach (string format in Formats)
                _scratch.Put($"set/{part}/{name}/{format}.{format.ToUpperInvariant()}", File(format));
            _scratch.Put($"set/{part}/{name}/png.png", Pngs.OfRgb(Width, Height, (x, y) => (x, y, 0)));
            _scratch.Put($"set/{part}/{name}/photo.heic", "no format that is read");
        }
        using var opened = DataFolder.Open(_scratch["set"]);
        Assert.Equal((10, 10), (opened.Training.Count, opened.Test.Count));
        Assert.Equal(0, opened.Verify(cancellation: TestContext.Current.CancellationToken).Count);
        Assert.Contains(
            "left out, training: 2 .heic; test: 2 .heic",
            CommandRun.Of(DataCommand.Create(), "info", _scratch["set"]).Output
        );
    }

    // A name may lie, as it often does of pictures from the web.
    [Fact]
    public void WhatAFileIsItsBytesSay()
    {
        using var image = ImageCodec.Read(_scratch.Put("a.jpg", File("webp")));
        Assert.Equal(Scene("webp", 0, 0), (image.Pixels[0], image.Pixels[1], image.Pixels[2]));
    }

    [Theory, MemberData(nameof(Formats))]
    public void FilesThatAreCutShortAreRefusedByName(string format)
    {
        byte[] whole = File(format);
        // before it there is no size to go by
        int data = format switch
        {
            "bmp" => 54,
            "gif" => whole.Length - 12,
            "webp" => 21,
            _ => 8,
        };
        for (int length = data; length < whole.Length - (format is "gif" ? 2 : 1); length++)
            Expect.Refused<ImageException>(
                () => ImageCodec.Decode(whole.AsSpan(0, length), $"cut.{format}").Dispose(),
                $"cut.{format}"
            );
    }

    [Fact]
    public void HugeImagesAreRefusedBeforeMemoryIsTaken()
    {
        byte[] bmp = File("bmp");
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(18), 60_000);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(22), 60_000);
        Expect.Refused<ImageException>(() => ImageCodec.Decode(bmp, "huge.bmp"), "huge.bmp", "60000 x 60000");
        Expect.Refused<ImageException>(
            () => ImageCodec.Decode(File("gif"), "small.gif", new DecodeOptions { MaxPixels = 5 }),
            "3 x 2",
            "at most 5"
        );
    }

    // No bit of this file is a pixel, so that it could say that it has any number of them.
    [Fact]
    public void FewBytesAreNoHugeImage()
    {
        Expect.Refused<ImageException>(
            () => ImageCodec.Decode(Webp(8000, 8000), "small.webp"),
            "small.webp",
            "8000 x 8000",
            $"{Webp(8000, 8000).Length} bytes",
            "Save it again"
        );
        Expect.Refused<ImageException>(
            () => ImageCodec.Decode(Webp(10_000, 10_000), "huge.webp"),
            "huge.webp",
            "10000 x 10000",
            "at most 80000000"
        );
        using var image = ImageCodec.Decode(Webp(2000, 2000));
        Assert.Equal(Scene("webp", 0, 0), (image.Pixels[^3], image.Pixels[^2], image.Pixels[^1]));
    }

    [Theory, MemberData(nameof(Formats))]
    public void MutatedFilesBecomeImagesOrSentences(string format)
    {
        var random = new Random(7);
        byte[] whole = File(format);
        for (int i = 0; i < 300; i++)
        {
            byte[] mutated = [.. whole];
            for (int k = random.Next(1, 4); k > 0; k--)
                mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            try
            {
                ImageCodec.Decode(mutated, "mutated", new DecodeOptions { MaxPixels = 1 << 20 }).Dispose();
            }
            catch (ImageException e)
            {
                Assert.StartsWith("mutated ", e.Message);
            }
        }
    }

    [Fact]
    public void TiffsAreTurnedUprightToo()
    {
        foreach (int orientation in Enumerable.Range(1, 8))
        {
            var (width, height, at) = Pngs.Turned(orientation, Width, Height, (x, y) => Scene("tif", x, y));
            using var image = ImageCodec.Decode(Tiff(width, height, at, orientation));
            Assert.Equal((Width, Height), (image.Width, image.Height));
            Assert.Equal((Width, Height), ImageCodec.Size(Tiff(width, height, at, orientation)));
            for (int y = 0; y < Height; y++)
            for (int x = 0; x < Width; x++)
                Assert.Equal(
                    Scene("tif", x, y),
                    (image.Row(y)[3 * x], image.Row(y)[3 * x + 1], image.Row(y)[3 * x + 2])
                );
        }
    }

    private static (byte, byte, byte) Scene(string format, int x, int y) =>
        format switch
        {
            "webp" => (200, 100, 50), // one colour
            "gif" => (x + y) % 2 == 0 ? ((byte)10, (byte)20, (byte)30) : ((byte)200, (byte)210, (byte)220),
            _ => ((byte)(80 * x), (byte)(100 * y), (byte)(7 + x)),
        };

    private static byte[] File(string format) =>
        format switch
        {
            "bmp" => Bmp(),
            "tif" => Tiff(Width, Height, (x, y) => Scene("tif", x, y), 1),
            "gif" => Gif(),
            _ => Webp(),
        };

    // 24 bits, rows from the bottom, padded to 4 bytes, blue first.
    private static byte[] Bmp()
    {
        const int row = (3 * Width + 3) / 4 * 4;
        var file = new byte[54 + Height * row];
        "BM"u8.CopyTo(file);
        foreach (
            var (at, value) in new[]
            {
                (2, file.Length),
                (10, 54),
                (14, 40),
                (18, Width),
                (22, Height),
                (34, Height * row),
            }
        )
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        (file[26], file[28]) = (1, 24);
        for (int y = 0; y < Height; y++)
        for (int x = 0; x < Width; x++)
            (
                file[54 + (Height - 1 - y) * row + 3 * x + 2],
                file[54 + (Height - 1 - y) * row + 3 * x + 1],
                file[54 + (Height - 1 - y) * row + 3 * x]
            ) = Scene("bmp", x, y);
        return file;
    }

    // Little-endian, one strip of RGB, not compressed.
    private static byte[] Tiff(int width, int height, Func<int, int, (byte, byte, byte)> at, int orientation)
    {
        (int Tag, int Type, int Count, int Value)[] entries =
        [
            (256, 3, 1, width),
            (257, 3, 1, height),
            (258, 3, 3, 8 + 2 + 12 * 10 + 4),
            (259, 3, 1, 1),
            (262, 3, 1, 2),
            (273, 4, 1, 8 + 2 + 12 * 10 + 4 + 6),
            (274, 3, 1, orientation),
            (277, 3, 1, 3),
            (278, 3, 1, height),
            (279, 4, 1, 3 * width * height),
        ];
        using var file = new MemoryStream();
        using var to = new BinaryWriter(file);
        to.Write([(byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0]);
        to.Write((short)entries.Length);
        foreach (var (tag, type, count, value) in entries)
        {
            to.Write((short)tag);
            to.Write((short)type);
            to.Write(count);
            to.Write(value);
        }
        to.Write(0);
        foreach (short bits in new short[] { 8, 8, 8 })
            to.Write(bits);
        for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
        {
            var (r, g, b) = at(x, y);
            to.Write([r, g, b]);
        }
        return file.ToArray();
    }

    // Two colours; codes of 3 bits, with the table cleared before it would grow: clear = 4, end = 5.
    private static byte[] Gif()
    {
        List<int> codes = [];
        for (int i = 0; i < Width * Height; i++)
        {
            if (i % 2 == 0)
                codes.Add(4);
            codes.Add((i % Width + i / Width) % 2);
        }
        codes.Add(5);
        var packed = new byte[(3 * codes.Count + 7) / 8];
        foreach (var (i, code) in codes.Index())
            for (int bit = 0; bit < 3; bit++)
                if ((code >> bit & 1) != 0)
                    packed[(3 * i + bit) / 8] |= (byte)(1 << (3 * i + bit) % 8);
        return
        [
            .. "GIF89a"u8,
            Width,
            0,
            Height,
            0,
            0x80,
            0,
            0,
            10,
            20,
            30,
            200,
            210,
            220,
            0x2c,
            0,
            0,
            0,
            0,
            Width,
            0,
            Height,
            0,
            0,
            2,
            (byte)packed.Length,
            .. packed,
            0,
            0x3b,
        ];
    }

    // Lossless, one symbol in each of the five codes, so that no pixel takes a bit.
    private static byte[] Webp(int width = Width, int height = Height)
    {
        List<bool> bits = [];
        void Put(int value, int count)
        {
            for (int bit = 0; bit < count; bit++)
                bits.Add((value >> bit & 1) != 0);
        }
        Put(width - 1, 14);
        Put(height - 1, 14);
        Put(0, 1 + 3); // no alpha; version 0
        // no transform, no cache of colours, one group of codes
        Put(0, 1 + 1 + 1);
        foreach (int symbol in new[] { 100, 200, 50, 255 }) // green, red, blue, alpha
        {
            Put(1, 1); // a simple code
            Put(0, 1); // of one symbol
            Put(1, 1); // of 8 bits
            Put(symbol, 8);
        }
        Put(1, 1); // distances: one symbol of 1 bit
        Put(0, 1 + 1 + 1);
        var stream = new byte[(bits.Count + 7) / 8];
        for (int i = 0; i < bits.Count; i++)
            if (bits[i])
                stream[i / 8] |= (byte)(1 << i % 8);
        byte[] chunk = [0x2f, .. stream];
        var file = new byte[20 + chunk.Length + chunk.Length % 2];
        "RIFF"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - 8);
        "WEBPVP8L"u8.CopyTo(file.AsSpan(8));
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(16), chunk.Length);
        chunk.CopyTo(file, 20);
        return file;
    }
}
