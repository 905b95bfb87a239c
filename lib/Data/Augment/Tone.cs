using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// Operations that look pixels up in a table or weigh their channels: Pillow's ImageOps, bit for bit.
/// </summary>
public static class Tone
{
    /// <summary>Grey in all three channels (ITU-R 601-2, Pillow's fixed-point form).</summary>
    public static Image Grayscale(Image image)
    {
        var grey = new Image(image.Width, image.Height);
        ReadOnlySpan<byte> from = image.Pixels;
        var to = grey.Pixels;
        for (int i = 0; i < from.Length; i += 3)
            to[i] = to[i + 1] = to[i + 2] = Luma(from[i], from[i + 1], from[i + 2]);
        return grey;
    }

    /// <summary>Values at or above a threshold are inverted.</summary>
    public static Image Solarize(Image image, int threshold = 128) =>
        Map(image, value => value < threshold ? value : 255 - value);

    /// <summary>Values below a threshold get brighter.</summary>
    public static Image SolarizeAdd(Image image, int add, int threshold = 128) =>
        Map(image, value => value < threshold ? Math.Min(255, value + add) : value);

    /// <summary>Only the highest bits are kept, 0 to 8.</summary>
    public static Image Posterize(Image image, int bits) =>
        bits >= 8 ? image.Clone() : Map(image, value => value & ~(255 >> bits));

    /// <summary>Values inverted.</summary>
    public static Image Invert(Image image) => Map(image, value => 255 - value);

    /// <summary>Each channel stretched so that its darkest value becomes 0 and its lightest 255.</summary>
    public static Image AutoContrast(Image image) =>
        MapChannels(
            image,
            (histogram, table) =>
            {
                int low = 0,
                    high = 255;
                while (low < 255 && histogram[low] == 0)
                    low++;
                while (high > 0 && histogram[high] == 0)
                    high--;
                double scale = high > low ? 255.0 / (high - low) : 1,
                    offset = high > low ? -low * scale : 0;
                for (int value = 0; value < 256; value++)
                    table[value] = (byte)Math.Clamp((int)(value * scale + offset), 0, 255);
            }
        );

    /// <summary>Each channel mapped so that its values are spread evenly.</summary>
    public static Image Equalize(Image image) =>
        MapChannels(
            image,
            (histogram, table) =>
            {
                int total = 0,
                    used = 0,
                    last = 0;
                foreach (int count in histogram)
                {
                    if (count == 0)
                        continue;
                    (total, last) = (total + count, count);
                    used++;
                }
                int step = used <= 1 ? 0 : (total - last) / 255,
                    sum = step / 2;
                for (int value = 0; value < 256; value++)
                {
                    table[value] = step == 0 ? (byte)value : (byte)Math.Min(sum / step, 255);
                    sum += histogram[value];
                }
            }
        );

    /// <summary>Pillow's grey of a colour.</summary>
    internal static byte Luma(int red, int green, int blue) =>
        (byte)((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);

    /// <summary>Every byte through one table.</summary>
    internal static Image Map(Image image, Func<int, int> value)
    {
        Span<byte> table = stackalloc byte[256];
        for (int i = 0; i < 256; i++)
            table[i] = (byte)value(i);
        var mapped = new Image(image.Width, image.Height);
        ReadOnlySpan<byte> from = image.Pixels;
        var to = mapped.Pixels;
        for (int i = 0; i < from.Length; i++)
            to[i] = table[from[i]];
        return mapped;
    }

    // Every channel through a table made from its histogram.
    private static Image MapChannels(Image image, Action<int[], byte[]> fill)
    {
        var mapped = new Image(image.Width, image.Height);
        ReadOnlySpan<byte> from = image.Pixels;
        var to = mapped.Pixels;
        var table = new byte[256];
        for (int channel = 0; channel < 3; channel++)
        {
            var histogram = new int[256];
            for (int i = channel; i < from.Length; i += 3)
                histogram[from[i]]++;
            fill(histogram, table);
            for (int i = channel; i < from.Length; i += 3)
                to[i] = table[from[i]];
        }
        return mapped;
    }
}
