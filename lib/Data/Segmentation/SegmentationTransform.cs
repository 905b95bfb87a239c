using PatchKit.Data.Augment;
using PatchKit.Data.Images;

namespace PatchKit.Data.Segmentation;

/// <summary>
/// What an image and its labels are trained on, in mmsegmentation's order for ADE20K: a random resize, a crop in which
/// no class takes more than three quarters, a flip, photometric distortion, normalisation. Image and labels go through
/// the same places: the image is interpolated, the labels take the nearest pixel. Where the resized image is smaller
/// than the crop it is padded below and at the right, the labels with <see cref="LabelMap.Ignored"/>.
/// </summary>
/// <param name="Height">rows of the crop.</param>
/// <param name="Width">columns of the crop.</param>
public sealed record SegmentationTransform(int Height, int Width)
{
    private const int Tries = 10;

    /// <summary>The shorter side that an image is resized to before the random factor; 0 for its own.</summary>
    public int ShorterSide { get; init; }

    /// <summary>The random factor on the image's size.</summary>
    public (double Low, double High) Ratio { get; init; } = (.5, 2);

    /// <summary>
    /// The largest part of a crop's labelled pixels that one class may take, if ten draws find such a crop.
    /// </summary>
    public double LargestClass { get; init; } = .75;

    /// <summary>How often an image is mirrored.</summary>
    public double Flip { get; init; } = .5;

    /// <summary>Brightness, contrast, saturation and hue; null for none.</summary>
    public PhotometricDistortion? Distortion { get; init; } = new();

    /// <summary>Bytes to numbers.</summary>
    public Normalization Normalization { get; init; } = Normalization.ImageNet;

    /// <summary>
    /// Writes normalised planes (3, Height, Width) and classes (Height, Width); image and labels are left as they are.
    /// </summary>
    /// <param name="image">the image.</param>
    /// <param name="labels">its labels, of its size.</param>
    /// <param name="planes">room for the image.</param>
    /// <param name="classes">room for the labels.</param>
    /// <param name="random">the only source of chance.</param>
    public void Apply(Image image, LabelMap labels, Span<float> planes, Span<byte> classes, ref SampleRandom random)
    {
        double factor =
            random.Uniform(Ratio.Low, Ratio.High)
            * (ShorterSide > 0 ? (double)ShorterSide / Math.Min(image.Width, image.Height) : 1);
        // of the resized image
        int width = Math.Max(1, (int)Math.Round(image.Width * factor)),
            height = Math.Max(1, (int)Math.Round(image.Height * factor));
        // of the crop in it
        int left = 0,
            top = 0,
            columns = Math.Min(Width, width),
            rows = Math.Min(Height, height);
        for (int attempt = 0; attempt < Tries; attempt++)
        {
            (top, left) = (random.Below(height - rows + 1), random.Below(width - columns + 1));
            Labels(labels, (width, height), (left, top, columns, rows), classes);
            if (LargestClass >= 1 || Varied(classes))
                break;
        }
        var box = (
            (float)((double)left * image.Width / width),
            (float)((double)top * image.Height / height),
            (float)Math.Min(image.Width, (double)(left + columns) * image.Width / width),
            (float)Math.Min(image.Height, (double)(top + rows) * image.Height / height)
        );
        using var cut = image.ResizeBox(box, columns, rows, ResizeFilter.Bilinear);
        bool flipped = random.Chance(Flip);
        Distortion?.Apply(cut, ref random);
        Place(cut, planes, flipped);
        if (flipped)
            for (int y = 0; y < rows; y++)
                classes.Slice(y * Width, columns).Reverse();
    }

    // The pixel of the original whose area the middle of a resized pixel lies in.
    private void Labels(
        LabelMap labels,
        (int Width, int Height) size,
        (int Left, int Top, int Columns, int Rows) crop,
        Span<byte> classes
    )
    {
        classes.Fill(LabelMap.Ignored);
        for (int y = 0; y < crop.Rows; y++)
        {
            int row = (int)((crop.Top + y + .5) * labels.Height / size.Height) * labels.Width;
            for (int x = 0; x < crop.Columns; x++)
                classes[y * Width + x] = labels.Classes[row + (int)((crop.Left + x + .5) * labels.Width / size.Width)];
        }
    }

    private bool Varied(ReadOnlySpan<byte> classes)
    {
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        foreach (byte label in classes)
            counts[label]++;
        counts[LabelMap.Ignored] = 0;
        int most = 0,
            all = 0,
            kinds = 0;
        foreach (int count in counts)
            (most, all, kinds) = (Math.Max(most, count), all + count, kinds + (count > 0 ? 1 : 0));
        return kinds > 1 && most < LargestClass * all;
    }

    private void Place(Image cut, Span<float> planes, bool flipped)
    {
        planes.Clear();
        int area = Height * Width,
            own = cut.Width * cut.Height;
        var normal = new float[3 * own];
        Normalization.Apply(cut, normal);
        for (int channel = 0; channel < 3; channel++)
        {
            for (int y = 0; y < cut.Height; y++)
            {
                var row = planes.Slice(channel * area + y * Width, cut.Width);
                normal.AsSpan(channel * own + y * cut.Width, cut.Width).CopyTo(row);
                if (flipped)
                    row.Reverse();
            }
        }
    }
}
