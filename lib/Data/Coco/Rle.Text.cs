namespace PatchKit.Data.Coco;

/// <content>The compressed form: a variant of LEB128 with 6 bits in a character, each run from the fourth on as its
/// difference to the one before the last.</content>
public sealed partial class Rle
{
    private const int First = '0',
        Last = First + 63;

    /// <summary>Reads the compressed form.</summary>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="text">Characters from '0' to 'o'.</param>
    /// <exception cref="ArgumentException">The text is cut short, has another character, or its runs do not cover the
    /// image once.</exception>
    public static Rle Parse(int height, int width, ReadOnlySpan<char> text)
    {
        List<uint> counts = [];
        for (int at = 0; at < text.Length; )
        {
            long value = 0;
            bool more = true;
            for (int shift = 0; more; shift += 5)
            {
                if (at == text.Length || shift > 30)
                    throw new ArgumentException(
                        $"the runs \"{Shortened(text)}\" of a mask end within a number; they were cut short."
                    );
                char letter = text[at++];
                if (letter is < (char)First or > (char)Last)
                    throw new ArgumentException(
                        $"the runs \"{Shortened(text)}\" of a mask have the character '{letter}', but "
                            + "compressed runs are written with '0' to 'o'; they are damaged."
                    );
                int bits = letter - First;
                value |= (long)(bits & 0x1f) << shift;
                more = (bits & 0x20) != 0;
                if (!more && (bits & 0x10) != 0)
                    value |= -1L << (shift + 5);
            }
            if (counts.Count > 2)
                value += counts[^2];
            if (value is < 0 or > uint.MaxValue)
                throw new ArgumentException(
                    $"the runs \"{Shortened(text)}\" of a mask have one of {value} pixels; they are damaged."
                );
            counts.Add((uint)value);
        }
        return new Rle(height, width, counts.ToArray());
    }

    /// <summary>The compressed form, as COCO's result files have it.</summary>
    public override string ToString()
    {
        var text = new System.Text.StringBuilder(2 * _counts.Length);
        for (int i = 0; i < _counts.Length; i++)
        {
            long value = _counts[i] - (i > 2 ? (long)_counts[i - 2] : 0);
            bool more = true;
            while (more)
            {
                int bits = (int)(value & 0x1f);
                value >>= 5;
                more = (bits & 0x10) != 0 ? value != -1 : value != 0;
                text.Append((char)(First + (more ? bits | 0x20 : bits)));
            }
        }
        return text.ToString();
    }

    private static string Shortened(ReadOnlySpan<char> text) =>
        text.Length <= 24 ? text.ToString() : $"{text[..24]}...";
}
