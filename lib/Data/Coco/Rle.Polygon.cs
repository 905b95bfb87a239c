namespace PatchKit.Data.Coco;

/// <content> Polygons to runs: each edge is walked in steps of a fifth of a pixel, and where the walk passes the middle
/// of a column, a run begins or ends. </content>
public sealed partial class Rle
{
    private const double Steps = 5,
        Farthest = 1e8;

    /// <summary>The runs of a polygon.</summary>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="polygon">x, y, x, y, ... in pixels; it is closed by itself and cut off at the image's
    /// edges.</param>
    /// <exception cref="ArgumentException">There is no point, or one lies absurdly far outside.</exception>
    public static Rle FromPolygon(int height, int width, ReadOnlySpan<double> polygon)
    {
        int points = polygon.Length / 2;
        if (points == 0)
            throw new ArgumentException("a polygon has no point; give it at least three.");
        foreach (double place in polygon)
            if (!(Math.Abs(place) <= Farthest))
                throw new ArgumentException(
                    $"a polygon has a corner at {place}, but an image of {width} x {height} pixels is far "
                        + "smaller; the file is damaged."
                );

        List<uint> ends = [];
        var (before, x0, y0) = (false, 0, 0);
        for (int i = 0; i < points; i++)
        {
            int j = (i + 1) % points;
            foreach (
                var (x, y) in new Edge(
                    Scaled(polygon[2 * i]),
                    Scaled(polygon[2 * i + 1]),
                    Scaled(polygon[2 * j]),
                    Scaled(polygon[2 * j + 1])
                )
            )
            {
                if (before && x != x0)
                    AddEnd(ends, x, y, x0, y0, height, width);
                (before, x0, y0) = (true, x, y);
            }
        }
        ends.Add((uint)((long)height * width));
        ends.Sort();
        return new Rle(height, width, Differences(ends).ToArray());
    }

    /// <summary>The runs of a box.</summary>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="box">In pixels; it is cut off at the image's edges.</param>
    /// <exception cref="ArgumentException">The box lies absurdly far outside.</exception>
    public static Rle FromBox(int height, int width, CocoBox box) =>
        FromPolygon(height, width, [box.X, box.Y, box.X, box.Bottom, box.Right, box.Bottom, box.Right, box.Y]);

    private static int Scaled(double place) => (int)(Steps * place + .5);

    // The walk moved from one fifth of a column to the next: a run ends there if that passed the column's middle.
    private static void AddEnd(List<uint> ends, int x, int y, int x0, int y0, int height, int width)
    {
        double column = ((x < x0 ? x : x - 1) + .5) / Steps - .5;
        if (Math.Floor(column) != column || column < 0 || column > width - 1)
            return;
        double row = Math.Ceiling(Math.Clamp((Math.Min(y, y0) + .5) / Steps - .5, 0, height));
        ends.Add((uint)((long)column * height + (long)row));
    }

    // Two ends at one place cancel out, and the runs around them are one.
    private static List<uint> Differences(List<uint> ends)
    {
        uint before = 0;
        for (int i = 0; i < ends.Count; i++)
            (ends[i], before) = (ends[i] - before, ends[i]);
        List<uint> counts = [ends[0]];
        for (int i = 1; i < ends.Count; i++)
        {
            if (ends[i] > 0)
                counts.Add(ends[i]);
            else if (++i < ends.Count)
                counts[^1] += ends[i];
        }
        return counts;
    }

    /// <summary>The fifths of pixels along an edge, from its first corner to its last.</summary>
    private readonly struct Edge
    {
        private readonly int _xs,
            _ys,
            _length;
        private readonly bool _flat,
            _flipped;
        private readonly double _slope;

        internal Edge(int xs, int ys, int xe, int ye)
        {
            int dx = Math.Abs(xe - xs),
                dy = Math.Abs(ye - ys);
            _flat = dx >= dy;
            _flipped = _flat ? xs > xe : ys > ye;
            if (_flipped)
                (xs, ys, xe, ye) = (xe, ye, xs, ys);
            (_xs, _ys, _length) = (xs, ys, Math.Max(dx, dy));
            _slope =
                _length == 0 ? 0
                : _flat ? (double)(ye - ys) / dx
                : (double)(xe - xs) / dy;
        }

        public IEnumerator<(int X, int Y)> GetEnumerator()
        {
            for (int d = 0; d <= _length; d++)
            {
                int t = _flipped ? _length - d : d;
                yield return _flat ? (t + _xs, (int)(_ys + _slope * t + .5)) : ((int)(_xs + _slope * t + .5), t + _ys);
            }
        }
    }
}
