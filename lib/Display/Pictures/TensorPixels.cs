using PatchKit.Display.Formatting;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Display.Pictures;

/// <summary>Tensors as numbers and as bytes.</summary>
internal static class TensorPixels
{
    /// <summary>A matrix (H, W) of any type.</summary>
    internal static double[,] Matrix(Tensor map)
    {
        if (map.ndim != 2)
            throw new ArgumentException(
                $"a map has the shape (H, W), but ({string.Join(", ", map.shape)}) was given; squeeze or "
                    + "index it first."
            );
        var matrix = new double[map.shape[0], map.shape[1]];
        double[] values = Values(map);
        Buffer.BlockCopy(values, 0, matrix, 0, sizeof(double) * values.Length);
        return matrix;
    }

    /// <summary>
    /// Images (N, C, H, W), (C, H, W) or (H, W) of one channel or three: bytes as they are, numbers from a range to
    /// black to white.
    /// </summary>
    /// <param name="images">the tensor.</param>
    /// <param name="range">what is black and what is white; null for 0 and 1, or for the tensor's own ends where it
    /// goes beyond these.</param>
    /// <param name="remark">says so where it does.</param>
    internal static IReadOnlyList<(int Width, int Height, byte[] Pixels)> Images(
        Tensor images,
        (double Low, double High)? range,
        out string remark
    )
    {
        remark = "";
        var shape = images.shape;
        if (shape.Length == 2)
            shape = [1, 1, .. shape];
        else if (shape.Length == 3)
            shape = [1, .. shape];
        if (shape.Length != 4 || shape[1] is not (1 or 3) || shape[2] < 1 || shape[3] < 1)
            throw new ArgumentException(
                "images have the shape (N, 3, H, W), (N, 1, H, W), (3, H, W), (1, H, W) or (H, W), but "
                    + $"({string.Join(", ", images.shape)}) was given."
            );
        double[] values = Values(images);
        var (low, high) = range ?? (images.dtype == ScalarType.Byte ? (0, 255) : (0, 1));
        double least = values.Where(double.IsFinite).DefaultIfEmpty(0).Min(),
            most = values.Where(double.IsFinite).DefaultIfEmpty(1).Max();
        if (range is null && images.dtype != ScalarType.Byte && (least < -1e-3 || most > 1 + 1e-3))
        {
            (low, high) = (least, most);
            remark = $"values from {Numbers.Short(low)} (black) to {Numbers.Short(high)} (white)";
        }
        int channels = (int)shape[1],
            height = (int)shape[2],
            width = (int)shape[3],
            area = height * width;
        return [.. Enumerable.Range(0, (int)shape[0]).Select(n => (width, height, Interleaved(n)))];

        byte[] Interleaved(int n)
        {
            var pixels = new byte[3 * area];
            for (int i = 0; i < area; i++)
            for (int c = 0; c < 3; c++)
            {
                double value = values[(n * channels + Math.Min(c, channels - 1)) * area + i];
                pixels[3 * i + c] = double.IsNaN(value)
                    ? (byte)0
                    : (byte)Math.Round(255 * Math.Clamp(high > low ? (value - low) / (high - low) : 0.5, 0, 1));
            }
            return pixels;
        }
    }

    private static double[] Values(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        return tensor.detach().cpu().to(ScalarType.Float64).contiguous().data<double>().ToArray();
    }
}
