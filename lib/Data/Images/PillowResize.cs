using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace PatchKit.Data.Images;

/// <summary>
/// Pillow's resize (libImaging/Resample.c) in C#, for where libpatchkit is absent; lib/Native/images/resize.cpp is the
/// faster form, and both give the same bytes. Columns, then rows: each output is a weighted sum over the filter's
/// support, which widens when shrinking, with weights of 22 bits, and each pass is rounded to bytes.
/// </summary>
internal static class PillowResize
{
    private const int Precision = 32 - 8 - 2,
        Half = 1 << (Precision - 1),
        Colours = 3;

    /// <summary>Resizes a box, which was found to be inside the image.</summary>
    /// <param name="from">rows of pixels, the box among them: (height, stride) without what follows the last
    /// pixel.</param>
    /// <param name="width">columns.</param>
    /// <param name="height">rows.</param>
    /// <param name="stride">bytes from one row to the next.</param>
    /// <param name="box">left, top, right and bottom.</param>
    /// <param name="to">the result.</param>
    /// <param name="filter">bilinear or bicubic.</param>
    internal static void Run(
        ReadOnlySpan<byte> from,
        int width,
        int height,
        int stride,
        (float Left, float Top, float Right, float Bottom) box,
        Image to,
        ResizeFilter filter
    )
    {
        bool across = to.Width != width || box.Left != 0 || box.Right != to.Width,
            down = to.Height != height || box.Top != 0 || box.Bottom != to.Height;
        int row = Colours * to.Width;
        if (!across && !down)
        {
            for (int y = 0; y < height; y++)
                from.Slice(y * stride, row).CopyTo(to.Row(y));
            return;
        }
        var rows = down ? new Weights(height, box.Top, box.Bottom, to.Height, filter) : null;
        if (!across)
        {
            Down(from, stride, 0, rows!, to);
            return;
        }
        // rows that the second pass reads
        int first = rows?.First[0] ?? 0,
            count = (rows is null ? height : rows.First[^1] + rows.Count[^1]) - first;
        var columns = new Weights(width, box.Left, box.Right, to.Width, filter);
        byte[]? between = down ? ArrayPool<byte>.Shared.Rent(checked(count * row)) : null;
        Across(
            from[(first * stride)..],
            stride,
            Colours * width,
            count,
            columns,
            between is null ? to.Pixels : between.AsSpan(),
            row
        );
        if (between is null)
            return;
        Down(between.AsSpan(0, count * row), row, first, rows!, to);
        ArrayPool<byte>.Shared.Return(between);
    }

    // (count, width, 3) -> (count, columns, 3)
    private static void Across(
        ReadOnlySpan<byte> from,
        int stride,
        int bytes,
        int count,
        Weights weights,
        Span<byte> to,
        int row
    )
    {
        var line = new byte[bytes + 1]; // a pixel is read as four bytes
        for (int y = 0; y < count; y++)
        {
            from.Slice(y * stride, bytes).CopyTo(line);
            for (int x = 0; x < weights.First.Length; x++)
            {
                var sum = Vector128.Create(Half);
                ref byte pixel = ref line[Colours * weights.First[x]];
                foreach (int weight in weights.Of(x))
                {
                    var four = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(ref pixel)).AsByte();
                    sum += Vector128.WidenLower(Vector128.WidenLower(four)).AsInt32() * weight;
                    pixel = ref Unsafe.Add(ref pixel, Colours);
                }
                var value = Vector128.Min(
                    Vector128.Max(sum >> Precision, Vector128<int>.Zero),
                    Vector128.Create((int)byte.MaxValue)
                );
                int at = y * row + Colours * x;
                (to[at], to[at + 1], to[at + 2]) = ((byte)value[0], (byte)value[1], (byte)value[2]);
            }
        }
    }

    // (rows, row bytes) -> (output rows, row bytes)
    private static void Down(ReadOnlySpan<byte> from, int stride, int shift, Weights weights, Image to)
    {
        int bytes = Colours * to.Width;
        var sums = new int[bytes];
        for (int y = 0; y < to.Height; y++)
        {
            sums.AsSpan().Fill(Half);
            int at = (weights.First[y] - shift) * stride;
            foreach (int weight in weights.Of(y))
            {
                Add(from.Slice(at, bytes), weight, sums);
                at += stride;
            }
            var result = to.Row(y);
            for (int x = 0; x < bytes; x++)
                result[x] = (byte)Math.Clamp(sums[x] >> Precision, 0, byte.MaxValue);
        }
    }

    // sums += weight * row
    private static void Add(ReadOnlySpan<byte> row, int weight, Span<int> sums)
    {
        int whole = row.Length - row.Length % Vector<byte>.Count;
        var blocks = MemoryMarshal.Cast<byte, Vector<byte>>(row[..whole]);
        var lanes = MemoryMarshal.Cast<int, Vector<int>>(sums[..whole]);
        for (int i = 0; i < blocks.Length; i++)
        {
            Vector.Widen(blocks[i], out var low, out var high);
            Vector.Widen(low, out var a, out var b);
            Vector.Widen(high, out var c, out var d);
            lanes[4 * i] += Vector.AsVectorInt32(a) * weight;
            lanes[4 * i + 1] += Vector.AsVectorInt32(b) * weight;
            lanes[4 * i + 2] += Vector.AsVectorInt32(c) * weight;
            lanes[4 * i + 3] += Vector.AsVectorInt32(d) * weight;
        }
        for (int x = whole; x < row.Length; x++)
            sums[x] += row[x] * weight;
    }

    /// <summary>The weights of one direction: output i is the sum over Count[i] inputs from First[i].</summary>
    private sealed class Weights
    {
        private readonly int _size;
        private readonly int[] _all;

        internal Weights(int inputs, float from, float to, int outputs, ResizeFilter filter)
        {
            double scale = (double)(to - from) / outputs,
                wide = Math.Max(scale, 1),
                support = (filter == ResizeFilter.Bicubic ? 2 : 1) * wide,
                step = 1 / wide;
            _size = (int)Math.Ceiling(support) * 2 + 1;
            (First, Count, _all) = (new int[outputs], new int[outputs], new int[outputs * _size]);
            var exact = new double[_size];
            for (int i = 0; i < outputs; i++)
            {
                double centre = from + (i + 0.5) * scale,
                    sum = 0;
                int first = First[i] = Math.Max((int)(centre - support + 0.5), 0),
                    count = Count[i] = Math.Min((int)(centre + support + 0.5), inputs) - first;
                for (int k = 0; k < count; k++)
                    sum += exact[k] = Kernel((k + first - centre + 0.5) * step, filter);
                for (int k = 0; k < count; k++)
                {
                    double normal = sum != 0 ? exact[k] / sum : exact[k];
                    _all[i * _size + k] = (int)((normal < 0 ? -0.5 : 0.5) + normal * (1 << Precision));
                }
            }
        }

        internal int[] First { get; }

        internal int[] Count { get; }

        internal ReadOnlySpan<int> Of(int output) => _all.AsSpan(output * _size, Count[output]);

        private static double Kernel(double x, ResizeFilter filter)
        {
            const double a = -0.5;
            x = Math.Abs(x);
            if (filter == ResizeFilter.Bilinear)
                return x < 1 ? 1 - x : 0;
            return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1
                : x < 2 ? (((x - 5) * x + 8) * x - 4) * a
                : 0;
        }
    }
}
