using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// Pillow's affine transforms with its bicubic interpolation, which is not antialiased; pixels from outside the image
/// get a colour.
/// </summary>
public static class Warp
{
    /// <summary>The colour that RandAugment fills with in the official recipes: round(255 x ImageNet's mean).</summary>
    public static (byte Red, byte Green, byte Blue) ImageNetFill { get; } = (124, 116, 104);

    /// <summary>Slanted: a row moves left by its distance from the top times the factor.</summary>
    public static Image ShearX(Image image, double factor, (byte, byte, byte) fill) =>
        Affine(image, [1, factor, 0, 0, 1, 0], fill);

    /// <summary>Slanted: a column moves up by its distance from the left times the factor.</summary>
    public static Image ShearY(Image image, double factor, (byte, byte, byte) fill) =>
        Affine(image, [1, 0, 0, factor, 1, 0], fill);

    /// <summary>Moved left by a fraction of the width.</summary>
    public static Image TranslateX(Image image, double fraction, (byte, byte, byte) fill) =>
        Affine(image, [1, 0, fraction * image.Width, 0, 1, 0], fill);

    /// <summary>Moved up by a fraction of the height.</summary>
    public static Image TranslateY(Image image, double fraction, (byte, byte, byte) fill) =>
        Affine(image, [1, 0, 0, 0, 1, fraction * image.Height], fill);

    /// <summary>Turned about the middle, counter-clockwise; the size stays.</summary>
    public static Image Rotate(Image image, double degrees, (byte, byte, byte) fill)
    {
        degrees = (degrees % 360 + 360) % 360;
        if (degrees == 0)
            return image.Clone();
        double angle = -degrees * (Math.PI / 180),
            x = image.Width / 2.0,
            y = image.Height / 2.0;
        double cos = Math.Round(Math.Cos(angle), 15),
            sin = Math.Round(Math.Sin(angle), 15);
        return Affine(image, [cos, sin, cos * -x + sin * -y + x, -sin, cos, -sin * -x + cos * -y + y], fill);
    }

    /// <summary>
    /// Pixel (x, y) of the result is read at (a x + b y + c, d x + e y + f) of the image, at pixel centres.
    /// </summary>
    public static Image Affine(Image image, ReadOnlySpan<double> matrix, (byte Red, byte Green, byte Blue) fill)
    {
        double a = matrix[0],
            b = matrix[1],
            c = matrix[2],
            d = matrix[3],
            e = matrix[4],
            f = matrix[5];
        int width = image.Width,
            height = image.Height,
            stride = 3 * width;
        var warped = new Image(width, height);
        ReadOnlySpan<byte> from = image.Pixels;
        var to = warped.Pixels;
        int at = 0;
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++, at += 3)
            {
                double x = a * (column + 0.5) + b * (row + 0.5) + c,
                    y = d * (column + 0.5) + e * (row + 0.5) + f;
                if (x < 0 || x >= width || y < 0 || y >= height)
                {
                    (to[at], to[at + 1], to[at + 2]) = fill;
                    continue;
                }
                (x, y) = (x - 0.5, y - 0.5);
                int left = (int)Math.Floor(x) - 1,
                    top = (int)Math.Floor(y) - 1;
                double dx = x - (left + 1),
                    dy = y - (top + 1);
                int x0 = 3 * Clip(left, width),
                    x1 = 3 * Clip(left + 1, width),
                    x2 = 3 * Clip(left + 2, width),
                    x3 = 3 * Clip(left + 3, width);
                int y0 = stride * Clip(top, height),
                    y1 = stride * Clip(top + 1, height),
                    y2 = stride * Clip(top + 2, height),
                    y3 = stride * Clip(top + 3, height);
                for (int channel = 0; channel < 3; channel++)
                {
                    double value = Cubic(
                        Cubic(
                            from[y0 + x0 + channel],
                            from[y0 + x1 + channel],
                            from[y0 + x2 + channel],
                            from[y0 + x3 + channel],
                            dx
                        ),
                        Cubic(
                            from[y1 + x0 + channel],
                            from[y1 + x1 + channel],
                            from[y1 + x2 + channel],
                            from[y1 + x3 + channel],
                            dx
                        ),
                        Cubic(
                            from[y2 + x0 + channel],
                            from[y2 + x1 + channel],
                            from[y2 + x2 + channel],
                            from[y2 + x3 + channel],
                            dx
                        ),
                        Cubic(
                            from[y3 + x0 + channel],
                            from[y3 + x1 + channel],
                            from[y3 + x2 + channel],
                            from[y3 + x3 + channel],
                            dx
                        ),
                        dy
                    );
                    to[at + channel] =
                        value <= 0 ? (byte)0
                        : value >= 255 ? (byte)255
                        : (byte)value;
                }
            }
        }
        return warped;
    }

    private static int Clip(int i, int n) =>
        i < 0 ? 0
        : i < n ? i
        : n - 1;

    // Keys' cubic with a = -1, between p1 and p2.
    private static double Cubic(double p0, double p1, double p2, double p3, double t) =>
        p1 + t * (p2 - p0 + t * (2 * (p0 - p1) + p2 - p3 + t * (p1 - p0 - p2 + p3)));
}
