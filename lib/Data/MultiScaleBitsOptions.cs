namespace PatchKit.Data;

/// <summary>
/// What generated images are made of. The defaults are the set that the project's results are measured on: keep them
/// for any claim. Lengths of objects are parts of the image's shorter side; cells are in pixels at every image size.
/// </summary>
public sealed record MultiScaleBitsOptions
{
    /// <summary>Image height in pixels.</summary>
    public int Height { get; init; } = 16;

    /// <summary>Image width in pixels.</summary>
    public int Width { get; init; } = 16;

    /// <summary>
    /// The scales that carry a bit of the class. One that is left out is not drawn, and its bit is 0.
    /// </summary>
    public DetailScales Scales { get; init; } = DetailScales.All;

    /// <summary>
    /// The number of objects, uniform between these, both included. Later ones overwrite earlier ones; the last one
    /// names the image's class.
    /// </summary>
    public (int Fewest, int Most) Objects { get; init; } = (1, 1);

    /// <summary>
    /// An object's long semi-axis r ~ U over the shorter side; the short one is r / <see cref="Aspect"/>.
    /// </summary>
    public (double Low, double High) SemiAxis { get; init; } = (.34, .44);

    /// <summary>The factor on r where an image has several objects.</summary>
    public double SeveralFactor { get; init; } = .62;

    /// <summary>The long semi-axis over the short one.</summary>
    public double Aspect { get; init; } = 1.8;

    /// <summary>
    /// How many uniform centres are tried for an object; the one least covered by earlier objects is taken.
    /// </summary>
    public int CentreTrials { get; init; } = 1;

    /// <summary>
    /// The background's mean: <see cref="Background"/> + U(-<see cref="BackgroundSpread"/>, +) for each channel.
    /// </summary>
    public double Background { get; init; } = -.6;

    /// <summary>See <see cref="Background"/>.</summary>
    public double BackgroundSpread { get; init; } = .3;

    /// <summary>The background's texture: this x cells(4, {-1, 1}) W.</summary>
    public double BackgroundTexture { get; init; } = .3;

    /// <summary>The side of the background's cells.</summary>
    public int BackgroundCell { get; init; } = 4;

    /// <summary>An object's mean: U(-this, this) for each channel. It says nothing about the class.</summary>
    public double ColourSpread { get; init; } = .15;

    /// <summary>
    /// a of the blotch, sqrt(3) a cells(5, {-1, 1}) (bit ? U : V), uniform between these for each object.
    /// </summary>
    public (double Low, double High) Blotch { get; init; } = (.4, .9);

    /// <summary>The side of the blotch's cells.</summary>
    public int BlotchCell { get; init; } = 5;

    /// <summary>
    /// a of the fleck, sqrt(3) a cells(1, {-1, 1}) (bit ? U + V : U - V) / sqrt(2), uniform between these for each
    /// object.
    /// </summary>
    public (double Low, double High) Fleck { get; init; } = (.3, .8);

    /// <summary>
    /// a of the speck, (bit ? a : -a) cells(1, {3, -1, -1, -1}) W, uniform between these for each object.
    /// </summary>
    public (double Low, double High) Speck { get; init; } = (.15, .6);

    /// <summary>s of the noise N(0, s^2) on each pixel and channel, uniform between these for each image.</summary>
    public (double Low, double High) Noise { get; init; } = (.1, .3);

    /// <summary>The number of classes: 2 for each scale that is drawn.</summary>
    public int Classes => 1 << int.PopCount((int)(Scales & DetailScales.All));

    /// <summary>
    /// The set for detection: 48 x 48 pixels, 1 to 3 spread objects, four classes of shape and a 3-pixel blotch 1.3
    /// times as strong.
    /// </summary>
    public static MultiScaleBitsOptions Detection { get; } =
        new()
        {
            Height = 48,
            Width = 48,
            Scales = DetailScales.Shape | DetailScales.Blotch,
            Objects = (1, 3),
            SemiAxis = (.18, .28),
            SeveralFactor = 1,
            CentreTrials = 30,
            Blotch = (1.3 * .4, 1.3 * .9),
            BlotchCell = 3,
        };

    /// <summary>
    /// The set for segmentation: 32 x 32 pixels, two spread objects, four classes of blotch and fleck, and the
    /// background. Chosen on seed 0, where one linear layer finds them better at every halving of the patch.
    /// </summary>
    public static MultiScaleBitsOptions Segmentation { get; } =
        new()
        {
            Height = 32,
            Width = 32,
            Scales = DetailScales.Blotch | DetailScales.Fleck,
            Objects = (2, 2),
            CentreTrials = 30,
        };

    /// <summary>
    /// What a class looks like: "wide, blotch U, fleck U+V, bright specks", of the scales that are drawn.
    /// </summary>
    public string NameOf(int label)
    {
        var words = new List<string>();
        foreach (
            var (scale, no, yes) in new[]
            {
                (DetailScales.Speck, "dark specks", "bright specks"),
                (DetailScales.Fleck, "fleck U-V", "fleck U+V"),
                (DetailScales.Blotch, "blotch V", "blotch U"),
                (DetailScales.Shape, "wide", "tall"),
            }
        )
        {
            if (!Scales.HasFlag(scale))
                continue;
            words.Insert(0, (label & 1) == 0 ? no : yes);
            label >>= 1;
        }
        return words.Count == 0 ? "object" : string.Join(", ", words);
    }

    /// <summary>The same for square images of another size.</summary>
    public MultiScaleBitsOptions Sized(int size) => this with { Height = size, Width = size };

    /// <summary>The shortest semi-axis that an object can have, in pixels.</summary>
    internal double ShortestSemiAxis =>
        SemiAxis.Low
        * (Objects.Most > 1 ? Math.Min(1, SeveralFactor) : 1)
        * Math.Min(Height, Width)
        / Math.Max(1, Aspect);

    /// <exception cref="ArgumentException">A setting makes no images.</exception>
    internal void Check()
    {
        Require(
            Height >= 1 && Width >= 1,
            $"an image of {Height}x{Width} pixels shows nothing; both sizes must be at least 1"
        );
        Require(
            (Scales & ~DetailScales.All) == 0,
            $"scales {(int)Scales} name no scale of detail; combine Shape, Blotch, Fleck and Speck"
        );
        Require(
            Objects is { Fewest: >= 1, Most: <= 255 } && Objects.Fewest <= Objects.Most,
            $"{Objects.Fewest} to {Objects.Most} objects cannot be drawn; use 1 to 255, the fewest first"
        );
        Require(
            Aspect >= 1 && SeveralFactor > 0,
            $"aspect {Aspect} and factor {SeveralFactor} make no ellipse; use an aspect of at least 1 and a "
                + "factor above 0"
        );
        Require(
            SemiAxis.Low > 0 && SemiAxis.High * Math.Max(1, Objects.Most > 1 ? SeveralFactor : 1) <= .5,
            $"semi-axes of {SemiAxis.Low} to {SemiAxis.High} of the image do not fit into it; stay above 0 "
                + "and at most .5"
        );
        Require(
            BackgroundCell >= 1 && BlotchCell >= 1,
            $"cells of {BackgroundCell} and {BlotchCell} pixels cannot be drawn; use at least 1"
        );
        Require(CentreTrials >= 1, $"{CentreTrials} trials give an object no centre; use at least 1");
        foreach (
            var (name, range) in new[]
            {
                (nameof(SemiAxis), SemiAxis),
                (nameof(Blotch), Blotch),
                (nameof(Fleck), Fleck),
                (nameof(Speck), Speck),
                (nameof(Noise), Noise),
            }
        )
            Require(
                range.Low >= 0 && range.Low <= range.High,
                $"{name} runs from {range.Low} to {range.High}; give two numbers from 0, the lower first"
            );
        // A disc of radius sqrt(1/2) covers a pixel's centre wherever it stands.
        double smallest = Math.Ceiling(Math.Sqrt(.5) / ShortestSemiAxis * Math.Min(Height, Width));
        Require(
            Math.Min(Height, Width) >= smallest,
            $"an object may fall between the pixels of a {Height}x{Width} image; use at "
                + $"least {smallest}x{smallest} pixels, or a larger SemiAxis"
        );
    }

    private static void Require(bool holds, string sentence)
    {
        if (!holds)
            throw new ArgumentException(sentence + ".");
    }
}
