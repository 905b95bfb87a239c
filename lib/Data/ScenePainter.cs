using System.Numerics;

namespace PatchKit.Data;

/// <summary>
/// Paints one generated image: a textured background, textured ellipses upon it, noise over all. Colours are (red,
/// green, blue), images (3, H, W).
/// </summary>
internal static class ScenePainter
{
    // Three axes of colour at right angles: red against green, yellow against blue, brightness.
    private static readonly Vector3 U = new Vector3(1, -1, 0) / MathF.Sqrt(2),
        V = new Vector3(1, 1, -2) / MathF.Sqrt(6),
        W = Vector3.One / MathF.Sqrt(3);

    /// <summary>Paints an image, and the bits of its objects in the order of painting.</summary>
    /// <param name="options">What images are made of.</param>
    /// <param name="random">The image's stream.</param>
    /// <param name="image">(3, H, W).</param>
    /// <param name="bits">Room for as many objects as there can be.</param>
    /// <param name="owners">(H, W): 0 for background, k for what can be seen of object k, from 1; or empty.</param>
    /// <returns>The number of objects.</returns>
    internal static int Paint(
        MultiScaleBitsOptions options,
        CounterRandom random,
        Span<float> image,
        Span<DetailScales> bits,
        Span<byte> owners
    )
    {
        PaintBackground(options, random.Branch(), image);
        owners.Clear();
        int count = options.Objects.Fewest + random.Below(options.Objects.Most - options.Objects.Fewest + 1);
        Span<Ellipse> placed = stackalloc Ellipse[count];
        for (int k = 0; k < count; k++)
        {
            bits[k] = (DetailScales)random.Below(16) & options.Scales;
            placed[k] = Place(options, random.Branch(), bits[k], placed[..k], count > 1);
            PaintObject(options, random.Branch(), bits[k], placed[k], image, owners, (byte)(k + 1));
        }
        AddNoise(options, random.Branch(), image);
        return count;
    }

    private static void PaintBackground(MultiScaleBitsOptions options, CounterRandom random, Span<float> image)
    {
        var mean = new Vector3((float)options.Background) + Colour(ref random, options.BackgroundSpread);
        var texture = (float)options.BackgroundTexture * W;
        var cells = new Cells(ref random, options.BackgroundCell);
        for (int y = 0; y < options.Height; y++)
        for (int x = 0; x < options.Width; x++)
            Set(image, y * options.Width + x, mean + cells.Sign(x, y) * texture);
    }

    /// <summary>
    /// The ellipse, wholly inside the image, at the one of some uniform centres where earlier ones cover it least.
    /// </summary>
    private static Ellipse Place(
        MultiScaleBitsOptions options,
        CounterRandom random,
        DetailScales bits,
        ReadOnlySpan<Ellipse> earlier,
        bool several
    )
    {
        float r =
            random.Uniform(options.SemiAxis)
            * Math.Min(options.Height, options.Width)
            * (several ? (float)options.SeveralFactor : 1);
        float across = r / (float)options.Aspect;
        var (radiusX, radiusY) = bits.HasFlag(DetailScales.Shape) ? (across, r) : (r, across);
        Ellipse best = default;
        float least = float.PositiveInfinity;
        for (int trial = 0; trial < options.CentreTrials; trial++)
        {
            var tried = new Ellipse(
                random.Uniform((r, options.Width - r)),
                random.Uniform((r, options.Height - r)),
                radiusX,
                radiusY
            );
            float overlap = 0;
            foreach (var other in earlier)
                overlap += tried.BoxOverlap(other);
            if (overlap < least)
                (best, least) = (tried, overlap);
        }
        return best;
    }

    private static void PaintObject(
        MultiScaleBitsOptions options,
        CounterRandom random,
        DetailScales bits,
        Ellipse ellipse,
        Span<float> image,
        Span<byte> owners,
        byte owner
    )
    {
        var mean = Colour(ref random, options.ColourSpread);
        var blotch =
            Amplitude(DetailScales.Blotch, options.Blotch, ref random)
            * MathF.Sqrt(3)
            * (bits.HasFlag(DetailScales.Blotch) ? U : V);
        var fleck =
            Amplitude(DetailScales.Fleck, options.Fleck, ref random)
            * MathF.Sqrt(1.5f)
            * (bits.HasFlag(DetailScales.Fleck) ? U + V : U - V);
        var speck =
            Amplitude(DetailScales.Speck, options.Speck, ref random) * (bits.HasFlag(DetailScales.Speck) ? W : -W);
        var cells = new Cells(ref random, options.BlotchCell);
        var pixels = random.Branch();
        int top = Math.Max(0, (int)(ellipse.Y - ellipse.RadiusY)),
            bottom = Math.Min(options.Height, (int)(ellipse.Y + ellipse.RadiusY) + 1);
        int left = Math.Max(0, (int)(ellipse.X - ellipse.RadiusX)),
            right = Math.Min(options.Width, (int)(ellipse.X + ellipse.RadiusX) + 1);
        for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++)
        {
            if (!ellipse.Covers(x, y))
                continue;
            int at = y * options.Width + x;
            // bit 0 is the fleck's, bits 1 and 2 are the speck's
            ulong draw = pixels.At(at);
            int flecked = (int)(draw & 1) * 2 - 1,
                specked = (draw & 6) == 0 ? 3 : -1;
            Set(image, at, mean + cells.Sign(x, y) * blotch + flecked * fleck + specked * speck);
            if (!owners.IsEmpty)
                owners[at] = owner;
        }

        float Amplitude(DetailScales scale, (double, double) range, ref CounterRandom stream) =>
            options.Scales.HasFlag(scale) ? stream.Uniform(range) : 0;
    }

    private static void AddNoise(MultiScaleBitsOptions options, CounterRandom random, Span<float> image)
    {
        float deviation = random.Uniform(options.Noise);
        foreach (ref float value in image)
            value += deviation * Gaussian.Draw(ref random);
    }

    private static Vector3 Colour(ref CounterRandom random, double spread) =>
        new(random.Uniform((-spread, spread)), random.Uniform((-spread, spread)), random.Uniform((-spread, spread)));

    private static void Set(Span<float> image, int at, Vector3 colour)
    {
        int plane = image.Length / 3;
        (image[at], image[plane + at], image[2 * plane + at]) = (colour.X, colour.Y, colour.Z);
    }

    /// <summary>Draws of -1 or 1, one for each cell of a grid with a random phase.</summary>
    private readonly struct Cells
    {
        private readonly CounterRandom _draws;
        private readonly int _side,
            _phaseX,
            _phaseY;

        internal Cells(ref CounterRandom random, int side) =>
            (_side, _phaseX, _phaseY, _draws) = (side, random.Below(side), random.Below(side), random.Branch());

        internal int Sign(int x, int y) =>
            (int)(_draws.At(((long)((y + _phaseY) / _side) << 32) + (x + _phaseX) / _side) & 1) * 2 - 1;
    }

    /// <summary>An ellipse along the axes; pixel (x, y) has its centre at (x + .5, y + .5).</summary>
    private readonly record struct Ellipse(float X, float Y, float RadiusX, float RadiusY)
    {
        internal bool Covers(int x, int y)
        {
            float dx = (x + .5f - X) / RadiusX,
                dy = (y + .5f - Y) / RadiusY;
            return dx * dx + dy * dy <= 1;
        }

        internal float BoxOverlap(Ellipse other) =>
            Math.Max(0, Math.Min(X + RadiusX, other.X + other.RadiusX) - Math.Max(X - RadiusX, other.X - other.RadiusX))
            * Math.Max(
                0,
                Math.Min(Y + RadiusY, other.Y + other.RadiusY) - Math.Max(Y - RadiusY, other.Y - other.RadiusY)
            );
    }
}
