namespace PatchKit.Data.Coco;

/// <summary>
/// A mask in any of the forms that COCO's files have: polygons, or runs as numbers or compressed into text.
/// </summary>
public sealed class CocoSegmentation
{
    private readonly (int Height, int Width) _size;
    private readonly uint[]? _counts;
    private readonly string? _text;
    private Rle? _rle;

    /// <summary>A mask that is the union of polygons.</summary>
    /// <param name="polygons">Each x, y, x, y, ... in pixels; where the first has four numbers, all are boxes of left,
    /// top, width and height, as pycocotools reads them.</param>
    public CocoSegmentation(IReadOnlyList<double[]> polygons) => Polygons = polygons;

    /// <summary>A mask of runs.</summary>
    public CocoSegmentation(Rle runs) => _rle = runs;

    internal CocoSegmentation(int height, int width, uint[]? counts, string? text) =>
        (_size, _counts, _text) = ((height, width), counts, text);

    /// <summary>The polygons; null where the mask is stored as runs.</summary>
    public IReadOnlyList<double[]>? Polygons { get; }

    /// <summary>The size of the image that runs say they are of; null of polygons.</summary>
    internal (int Height, int Width)? RunsSize =>
        Polygons is not null ? null
        : _rle is { } runs ? (runs.Height, runs.Width)
        : _size;

    /// <summary>A mask of runs.</summary>
    public static implicit operator CocoSegmentation(Rle runs) => new(runs);

    /// <summary>
    /// The mask as runs, as pycocotools' annToRLE has it: polygons are drawn in the image's size, runs keep their own.
    /// </summary>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <exception cref="ArgumentException">There are no polygons, one has no area to speak of (fewer than five
    /// numbers), or the runs are damaged.</exception>
    public Rle ToRle(int height, int width)
    {
        if (Polygons is null)
            return _rle ??= _text is not null
                ? Rle.Parse(_size.Height, _size.Width, _text)
                : new Rle(_size.Height, _size.Width, _counts);
        if (Polygons.Count == 0)
            throw new ArgumentException(
                "a mask has an empty list of polygons; give at least one polygon, or leave the mask out."
            );
        int length = Polygons[0].Length;
        if (length < 4)
            throw new ArgumentException(
                $"a polygon of {length} numbers is no polygon; give x and y of at least three corners."
            );
        return Rle.Merge([
            .. Polygons.Select(polygon =>
                length == 4 ? FromBox(height, width, polygon) : Rle.FromPolygon(height, width, polygon)
            ),
        ]);
    }

    private static Rle FromBox(int height, int width, double[] box) =>
        box.Length == 4
            ? Rle.FromBox(height, width, new CocoBox(box[0], box[1], box[2], box[3]))
            : throw new ArgumentException(
                $"a mask mixes a box of 4 numbers with a polygon of {box.Length}; give polygons of at least 6 numbers."
            );
}
