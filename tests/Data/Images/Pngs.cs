using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace PatchKit.Tests.Data.Images;

/// <summary>
/// PNG files of kinds that the kit's own writer does not write, byte by byte after the standard: any depth, palettes,
/// and an EXIF orientation (eXIf).
/// </summary>
internal static class Pngs
{
    internal const byte Grey = 0,
        Rgb = 2,
        Palette = 3;

    /// <summary>A file.</summary>
    /// <param name="rows">Each row's packed samples.</param>
    internal static byte[] Of(
        int width,
        int height,
        byte depth,
        byte kind,
        byte[][] rows,
        byte[]? palette = null,
        int orientation = 1
    )
    {
        using var file = new MemoryStream();
        file.Write([0x89, .. "PNG\r\n"u8, 0x1a, (byte)'\n']);
        Chunk(file, "IHDR", [.. Big(width), .. Big(height), depth, kind, 0, 0, 0]);
        if (palette is not null)
            Chunk(file, "PLTE", palette);
        if (orientation != 1)
            Chunk(file, "eXIf", Exif(orientation));
        using var packed = new MemoryStream();
        using (var deflate = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            foreach (byte[] row in rows)
                deflate.Write([0, .. row]);
        Chunk(file, "IDAT", packed.ToArray());
        Chunk(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary>An RGB file of 8 bits.</summary>
    internal static byte[] OfRgb(
        int width,
        int height,
        Func<int, int, (int R, int G, int B)> at,
        int orientation = 1
    ) =>
        Of(
            width,
            height,
            8,
            Rgb,
            [
                .. Enumerable
                    .Range(0, height)
                    .Select(y =>
                        Enumerable
                            .Range(0, width)
                            .SelectMany(x => at(x, y) is var c ? new[] { (byte)c.R, (byte)c.G, (byte)c.B } : [])
                            .ToArray()
                    ),
            ],
            orientation: orientation
        );

    /// <summary>A grey file of 8 bits.</summary>
    internal static byte[] OfGrey(int width, int height, Func<int, int, int> at, int orientation = 1) =>
        Of(
            width,
            height,
            8,
            Grey,
            [
                .. Enumerable
                    .Range(0, height)
                    .Select(y => Enumerable.Range(0, width).Select(x => (byte)at(x, y)).ToArray()),
            ],
            orientation: orientation
        );

    /// <summary>
    /// Where the pixel of an upright picture lies in the stored one, after EXIF's table: what the stored row 0 and
    /// column 0 are of the scene.
    /// </summary>
    /// <param name="orientation">1 to 8.</param>
    /// <param name="x">a column of the upright picture.</param>
    /// <param name="y">a row.</param>
    /// <param name="width">the upright picture's.</param>
    /// <param name="height">likewise.</param>
    internal static (int X, int Y) Stored(int orientation, int x, int y, int width, int height) =>
        orientation switch
        {
            1 => (x, y), // row 0 is the top, column 0 the left side
            2 => (width - 1 - x, y), // top, right
            3 => (width - 1 - x, height - 1 - y), // bottom, right
            4 => (x, height - 1 - y), // bottom, left
            5 => (y, x), // left, top
            6 => (y, width - 1 - x), // right, top
            7 => (height - 1 - y, width - 1 - x), // right, bottom
            _ => (height - 1 - y, x), // left, bottom
        };

    /// <summary>The stored picture, and its sides, of an upright one.</summary>
    internal static (int Width, int Height, Func<int, int, T> At) Turned<T>(
        int orientation,
        int width,
        int height,
        Func<int, int, T> upright
    )
    {
        var stored = new Dictionary<(int, int), T>();
        for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            stored[Stored(orientation, x, y, width, height)] = upright(x, y);
        return orientation >= 5 ? (height, width, (x, y) => stored[(x, y)]) : (width, height, (x, y) => stored[(x, y)]);
    }

    // A TIFF block, big-endian, of one entry: Orientation, SHORT, 1 value.
    private static byte[] Exif(int orientation) =>
        [
            (byte)'M',
            (byte)'M',
            0,
            42,
            0,
            0,
            0,
            8,
            0,
            1,
            0x01,
            0x12,
            0,
            3,
            0,
            0,
            0,
            1,
            0,
            (byte)orientation,
            0,
            0,
            0,
            0,
            0,
            0,
        ];

    private static void Chunk(Stream to, string name, byte[] data)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes(name), .. data];
        uint crc = uint.MaxValue;
        foreach (byte value in body)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        }
        to.Write([.. Big(data.Length), .. body, .. Big((int)~crc)]);
    }

    private static byte[] Big(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}
