using System.Text;
using PatchKit.Data.Images;
using PatchKit.Display.Formatting;
using static TorchSharp.torch;

namespace PatchKit.Display.Pictures;

/// <summary>
/// An image to look at: each pixel a square, never smoothed. Methods give new pictures: cut into patches, under a map
/// or a segmentation, with boxes.
/// </summary>
[TypeFormatterSource(typeof(FormatterSource<Picture>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed record Picture : IRendered
{
    private const int Comfortable = 256,
        LabelHeight = 16;
    private readonly byte[] _pixels;

    private Picture(int width, int height, byte[] pixels)
    {
        (Width, Height, _pixels) = (width, height, pixels);
        Zoom = Math.Max(1, Comfortable / Math.Max(width, height));
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>The bytes, (H, W, 3).</summary>
    public ReadOnlySpan<byte> Pixels => _pixels;

    /// <summary>What stands below it.</summary>
    public string Caption { get; init; } = "";

    /// <summary>How many pixels of the screen a pixel is wide.</summary>
    public int Zoom { get; init; }

    /// <summary>Boxes over it.</summary>
    public IReadOnlyList<Box> Boxes { get; init; } = [];

    /// <summary>What its colours mean.</summary>
    public IReadOnlyList<LegendEntry> Legend { get; init; } = [];

    /// <summary>A copy of an image.</summary>
    public static Picture Of(Image image) => new(image.Width, image.Height, image.Pixels.ToArray());

    /// <summary>Pixels (H, W, 3), copied.</summary>
    /// <exception cref="ArgumentException">There are not 3 x width x height bytes.</exception>
    public static Picture Of(int width, int height, ReadOnlySpan<byte> pixels) =>
        width > 0 && height > 0 && pixels.Length == 3L * width * height
            ? new(width, height, pixels.ToArray())
            : throw new ArgumentException(
                $"a picture of {width} x {height} pixels has {3L * width * height} bytes, "
                    + $"but {pixels.Length} were given."
            );

    /// <summary>
    /// A tensor (3, H, W), (1, H, W) or (H, W): bytes as they are, other numbers with 0 black and 1 white.
    /// </summary>
    /// <param name="image">the tensor.</param>
    /// <param name="range">what is black and what is white; null for 0 and 1, or the tensor's own ends, which the
    /// caption then names, where it goes beyond these.</param>
    /// <exception cref="ArgumentException">The tensor has another shape.</exception>
    public static Picture Of(Tensor image, (double Low, double High)? range = null)
    {
        var all = TensorPixels.Images(image, range, out string remark);
        return all.Count == 1
            ? new(all[0].Width, all[0].Height, all[0].Pixels) { Caption = remark }
            : throw new ArgumentException(
                $"a picture is one image, but ({string.Join(", ", image.shape)}) holds {all.Count}; show "
                    + "them by ImageGrid.Of."
            );
    }

    /// <summary>A matrix (H, W) as a picture in a map's colours, such as attention weights or a scan's state.</summary>
    public static Picture OfMap(
        Tensor map,
        ColourMap colours = ColourMap.Viridis,
        (double Low, double High)? range = null
    )
    {
        var values = TensorPixels.Matrix(map);
        var scale = new ColourScale(colours, values.Cast<double>(), range);
        return new(values.GetLength(1), values.GetLength(0), Pictures.Pixels.Coloured(values, scale))
        {
            Legend = Steps(scale),
        };
    }

    /// <summary>The image cut into its patches, with gaps between them.</summary>
    /// <param name="patchSize">the side of a patch, in pixels.</param>
    /// <param name="gap">the gap, in pixels of the screen.</param>
    /// <exception cref="ArgumentException">The patch size does not divide both sides.</exception>
    public Picture Patches(int patchSize, int gap = 2)
    {
        if (patchSize < 1 || Width % patchSize != 0 || Height % patchSize != 0)
            throw new ArgumentException(
                $"patch size {patchSize} does not divide an image of {Width} x {Height} pixels; use {Divisors()}."
            );
        int side = patchSize * Zoom,
            columns = Width / patchSize,
            rows = Height / patchSize;
        int width = columns * side + (columns - 1) * gap,
            height = rows * side + (rows - 1) * gap;
        var cut = new byte[3 * width * height];
        Array.Fill(cut, (byte)255);
        for (int y = 0; y < Height * Zoom; y++)
        for (int x = 0; x < Width * Zoom; x++)
            _pixels
                .AsSpan(3 * (y / Zoom * Width + x / Zoom), 3)
                .CopyTo(cut.AsSpan(3 * ((y + y / side * gap) * width + x + x / side * gap)));
        return new(width, height, cut)
        {
            Zoom = 1,
            Caption =
                $"{columns * rows:#,0} {(columns * rows == 1 ? "patch" : "patches")} of {patchSize} × {patchSize}",
        };
    }

    /// <summary>
    /// A map over the image, enlarged to its size: attention weights, a scan's state, a saliency. A NaN leaves the
    /// image as it is.
    /// </summary>
    /// <param name="map">(h, w), any numbers.</param>
    /// <param name="colours">how they become colours.</param>
    /// <param name="opacity">from 0, only the image, to 1, only the map.</param>
    /// <param name="range">the values at the ends of the colours; null for the map's own.</param>
    public Picture Overlay(
        Tensor map,
        ColourMap colours = ColourMap.Viridis,
        double opacity = 0.6,
        (double Low, double High)? range = null
    )
    {
        var values = TensorPixels.Matrix(map);
        var scale = new ColourScale(colours, values.Cast<double>(), range);
        return Painted((x, y) => At(x, y) is var value && double.IsNaN(value) ? null : scale.At(value), opacity) with
        {
            Legend = Steps(scale),
        };

        double At(int x, int y) =>
            values[(long)y * values.GetLength(0) / Height, (long)x * values.GetLength(1) / Width];
    }

    /// <summary>
    /// The classes of the pixels over the image, with a legend of those that occur, the most frequent first.
    /// </summary>
    /// <param name="labels">(H, W), whole numbers from 0.</param>
    /// <param name="names">the classes' names.</param>
    /// <param name="opacity">from 0, only the image, to 1, only the classes.</param>
    /// <param name="ignore">the label of pixels that count for nothing; they stay as they are.</param>
    /// <exception cref="ArgumentException">The labels are not as many as the pixels, or one has no name.</exception>
    public Picture Segmentation(Tensor labels, IReadOnlyList<string> names, double opacity = 0.55, int ignore = 255)
    {
        var classes = TensorPixels.Matrix(labels);
        if (classes.GetLength(0) != Height || classes.GetLength(1) != Width)
            throw new ArgumentException(
                $"the labels are {classes.GetLength(1)} x {classes.GetLength(0)}, but the image has {Width} "
                    + $"x {Height} pixels; resize one of them."
            );
        var present = classes
            .Cast<double>()
            .Select(label => (int)label)
            .Where(label => label != ignore)
            .CountBy(label => label)
            .OrderByDescending(pair => pair.Value)
            .ThenBy(pair => pair.Key)
            .ToArray();
        if (
            present.FirstOrDefault(pair => pair.Key < 0 || pair.Key >= names.Count, new(-1, 0)) is
            { Value: > 0 } unknown
        )
            throw new ArgumentException(
                $"the labels hold class {unknown.Key}, but there are names for 0 to {names.Count - 1}; give "
                    + "it a name, or ignore it."
            );
        return Painted(
            (x, y) => (int)classes[y, x] is var label && label == ignore ? null : Palette.Class(label),
            opacity
        ) with
        {
            Legend = [.. present.Select(pair => Entry(pair.Key, (double)pair.Value / classes.Length))],
        };

        LegendEntry Entry(int label, double part) =>
            new($"{names[label]} {Numbers.Format(part, "0%")}", Palette.Hex(Palette.Class(label)));
    }

    /// <summary>With boxes over it.</summary>
    public Picture WithBoxes(params IEnumerable<Box> boxes) => this with { Boxes = [.. Boxes, .. boxes] };

    /// <summary>
    /// With its boxes painted into the pixels, without their labels, as a file of pixels alone needs them.
    /// </summary>
    public Picture BoxesPainted()
    {
        var outline = new Dictionary<(int X, int Y), (byte, byte, byte)>();
        foreach (var box in Boxes)
        {
            int left = Edge(box.Left, Width),
                right = Edge(box.Right - 1, Width),
                top = Edge(box.Top, Height),
                bottom = Edge(box.Bottom - 1, Height);
            for (int x = left; x <= right; x++)
                outline[(x, top)] = outline[(x, bottom)] = Palette.Class(box.Class);
            for (int y = top; y <= bottom; y++)
                outline[(left, y)] = outline[(right, y)] = Palette.Class(box.Class);
        }
        return Painted((x, y) => outline.TryGetValue((x, y), out var colour) ? colour : null, 1) with
        {
            Boxes = [],
            Legend = Legend,
        };

        static int Edge(double at, int length) => (int)Math.Clamp(Math.Round(at), 0, length - 1);
    }

    /// <summary>The pixels as a PNG file, without boxes, one pixel for each.</summary>
    public byte[] ToPng() => Pictures.Pixels.Png(_pixels, Width, Height);

    /// <summary>
    /// The picture in HTML: one image, which front ends show of a notebook that they do not trust, too.
    /// </summary>
    public string ToHtml()
    {
        int width = Width * Zoom,
            height = Height * Zoom;
        var html = new Markup()
            .Raw("<figure style='margin:0;display:inline-block;vertical-align:top'>")
            .Add(
                $"<img width='{width}' height='{height}' alt='{ToString()}' "
                    + $"style='display:block;max-width:100%;height:auto' src='{Source(width, height)}'>"
            );
        if (Legend.Count > 0)
        {
            html.Add(
                $"<div style='font-size:12px;max-width:"
                    + $"{Math.Max(width, 120)}px;margin-top:4px;line-height:1.6;overflow-wrap:anywhere'>"
            );
            foreach (var entry in Legend)
                html.Add(
                    $"<span style='display:inline-block;margin-right:10px'><span "
                        + $"style='color:{entry.Colour}'>■</span> {entry.Name}</span> "
                );
            html.Raw("</div>");
        }
        if (Caption.Length > 0)
            html.Add(
                $"<figcaption style='font-size:12px;max-width:"
                    + $"{Math.Max(width, 120)}px;margin-top:3px;opacity:0.85'>{Caption}</figcaption>"
            );
        return html.Raw("</figure>").ToString();
    }

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => ToHtml(),
            Mime.Png => Convert.ToBase64String(
                Zoom == 1
                    ? ToPng()
                    : Pictures.Pixels.Png(
                        Pictures.Pixels.Enlarged(_pixels, Width, Height, Zoom),
                        Width * Zoom,
                        Height * Zoom
                    )
            ),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>"image 224 × 224".</summary>
    public override string ToString() =>
        string.Join(
            ", ",
            new[] { $"image {Width} × {Height}", Caption }
                .Concat(Boxes.Select(box => box.Label))
                .Concat(Legend.Select(entry => entry.Name))
                .Where(part => part.Length > 0)
        );

    // Pixels that are drawn larger than they are, and boxes, stand in a drawing of its own: a style that keeps pixels
    // sharp is taken off an img by some front ends.
    private string Source(int width, int height)
    {
        string png = "data:image/png;base64," + Convert.ToBase64String(ToPng());
        if (Zoom == 1 && Boxes.Count == 0)
            return png;
        var svg = new Markup()
            .Add(
                $"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 "
                    + $"0 {width} {height}' font-family='{Markup.Font}' font-size='11'>"
            )
            .Add(
                $"<image width='{width}' height='{height}' image-rendering='pixelated' "
                    + $"style='image-rendering:pixelated' href='{png}'/>"
            );
        foreach (var box in Boxes)
            Outline(svg, box);
        var placed = new List<(double Left, double Top, double Width)>();
        // over all outlines
        foreach (var box in Boxes.Where(box => box.Label.Length > 0))
            Label(svg, box, width, height, placed);
        return "data:image/svg+xml;base64,"
            + Convert.ToBase64String(Encoding.UTF8.GetBytes(svg.Raw("</svg>").ToString()));
    }

    private void Outline(Markup svg, Box box)
    {
        string hex = Palette.Hex(Palette.Class(box.Class)),
            dash = box.IsDashed ? " stroke-dasharray='5 3'" : "";
        double x = box.Left * Zoom,
            y = box.Top * Zoom;
        double w = (box.Right - box.Left) * Zoom,
            h = (box.Bottom - box.Top) * Zoom;
        svg.Add(
                $"<rect x='{x}' y='{y}' width='{w}' height='{h}' fill='none' stroke='#ffffff' "
                    + $"stroke-opacity='0.75' stroke-width='4'/>"
            )
            .Add($"<rect x='{x}' y='{y}' width='{w}' height='{h}' fill='none' stroke='{hex}' stroke-width='2'")
            .Raw(dash)
            .Raw("/>");
    }

    // It stands above the box, or inside it where there is no room, or further down where another label stands.
    private void Label(Markup svg, Box box, int width, int height, List<(double Left, double Top, double Width)> placed)
    {
        var colour = Palette.Class(box.Class);
        double x = box.Left * Zoom,
            y = box.Top * Zoom,
            wide = TextWidth.Of(box.Label, 11) + 8;
        double left = Math.Clamp(x - 1, 0, Math.Max(0, width - wide));
        double top = Math.Clamp(y >= LabelHeight ? y - LabelHeight : y + 1, 0, Math.Max(0, height - 15));
        while (placed.Any(Meets) && top + 2 * LabelHeight <= height)
            top += LabelHeight;
        placed.Add((left, top, wide));
        bool light = 0.299 * colour.Red + 0.587 * colour.Green + 0.114 * colour.Blue > 140;
        svg.Add($"<rect x='{left}' y='{top}' width='{wide}' height='15' rx='2' fill='{Palette.Hex(colour)}'/>")
            .Add($"<text x='{left + 4}' y='{top + 11}' fill='{(light ? "#111111" : "#ffffff")}'>{box.Label}</text>");

        bool Meets((double Left, double Top, double Width) other) =>
            Math.Abs(other.Top - top) < LabelHeight && left < other.Left + other.Width && other.Left < left + wide;
    }

    private Picture Painted(Func<int, int, (byte, byte, byte)?> colour, double opacity)
    {
        byte[] pixels = [.. _pixels];
        for (int y = 0; y < Height; y++)
        for (int x = 0; x < Width; x++)
            if (colour(x, y) is { } paint)
                Pictures.Pixels.Blend(pixels, y * Width + x, paint, opacity);
        return new(Width, Height, pixels)
        {
            Caption = Caption,
            Zoom = Zoom,
            Boxes = Boxes,
        };
    }

    private static IReadOnlyList<LegendEntry> Steps(ColourScale scale) =>
        [
            .. new[] { 0, 0.5, 1 }
                .Select(t => scale.Low + t * (scale.High - scale.Low))
                .Distinct()
                .Select(value => new LegendEntry(Numbers.Short(value), Palette.Hex(scale.At(value)))),
        ];

    private string Divisors()
    {
        int[] all =
        [
            .. Enumerable.Range(1, Math.Min(Width, Height)).Where(size => Width % size == 0 && Height % size == 0),
        ];
        return all.Length == 1
            ? "1"
            : $"a divisor of both sides such as {string.Join(", ", all.TakeLast(5).SkipLast(1))} or {all[^1]}";
    }
}

/// <summary>What a colour in a picture means.</summary>
/// <param name="Name">the meaning.</param>
/// <param name="Colour">"#RRGGBB".</param>
public sealed record LegendEntry(string Name, string Colour);
