namespace PatchKit.Data.Coco;

/// <summary>
/// A mask as COCO stores it: the lengths of its runs, column by column, of background and object in turn, beginning
/// with background. All results are those of pycocotools' maskApi.c (cocoapi 8c9bcc3), to the last run.
/// </summary>
public sealed partial class Rle
{
    private readonly uint[] _counts;
    private CocoBox? _box;

    /// <summary>A mask of runs.</summary>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="counts">The runs; they cover every pixel once.</param>
    /// <exception cref="ArgumentException">The size is not positive, or the runs cover another number of
    /// pixels.</exception>
    public Rle(int height, int width, ReadOnlySpan<uint> counts)
    {
        if (height < 1 || width < 1)
            throw new ArgumentException(
                $"a mask of {width} x {height} pixels has none; both sides must be at least 1."
            );
        long covered = 0;
        foreach (uint count in counts)
            covered += count;
        if (covered != (long)height * width)
            throw new ArgumentException(
                $"the runs of a mask cover {covered} pixels, but an image of {width} x {height} "
                    + $"has {(long)height * width}; the mask belongs to another image, or is damaged."
            );
        (Height, Width, _counts) = (height, width, counts.ToArray());
    }

    /// <summary>Rows of the image.</summary>
    public int Height { get; }

    /// <summary>Columns of the image.</summary>
    public int Width { get; }

    /// <summary>The runs: background, object, background, ...</summary>
    public ReadOnlySpan<uint> Counts => _counts;

    /// <summary>The object's pixels.</summary>
    public long Area
    {
        get
        {
            long area = 0;
            for (int i = 1; i < _counts.Length; i += 2)
                area += _counts[i];
            return area;
        }
    }

    /// <summary>The smallest box around the object; all zeros where there is none.</summary>
    public CocoBox Box => _box ??= FindBox();

    /// <summary>The runs of a mask of pixels.</summary>
    /// <param name="mask">(H, W), row by row; any number but 0 is the object.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <exception cref="ArgumentException">There are not H x W numbers, or none.</exception>
    public static Rle Encode(ReadOnlySpan<byte> mask, int height, int width)
    {
        if (height < 1 || width < 1 || mask.Length != (long)height * width)
            throw new ArgumentException(
                $"a mask of {width} x {height} pixels has {(long)height * width} numbers, but {mask.Length} were given."
            );
        List<uint> counts = [];
        bool inside = false;
        uint run = 0;
        for (int x = 0; x < width; x++)
        for (int y = 0; y < height; y++)
        {
            if (mask[y * width + x] != 0 != inside)
            {
                counts.Add(run);
                (run, inside) = (0, !inside);
            }
            run++;
        }
        counts.Add(run);
        return new Rle(height, width, counts.ToArray());
    }

    /// <summary>The mask as pixels.</summary>
    /// <returns>(H, W), row by row, of 0 and 1.</returns>
    public byte[] Decode()
    {
        var mask = new byte[checked(Height * Width)];
        int at = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            int end = at + (int)_counts[i];
            if (i % 2 == 0)
                at = end;
            for (int x = at / Height, y = at % Height; at < end; at++)
            {
                mask[y * Width + x] = 1;
                if (++y == Height)
                    (x, y) = (x + 1, 0);
            }
        }
        return mask;
    }

    /// <summary>The union or the intersection of masks of one size.</summary>
    /// <param name="masks">At least one.</param>
    /// <param name="intersect">Whether a pixel must be in all of them.</param>
    /// <exception cref="ArgumentException">There is none, or they differ in size.</exception>
    public static Rle Merge(IReadOnlyList<Rle> masks, bool intersect = false)
    {
        if (masks.Count == 0)
            throw new ArgumentException("no masks were given to merge; give at least one.");
        var merged = masks[0];
        foreach (var next in masks.Skip(1))
        {
            if ((next.Height, next.Width) != (merged.Height, merged.Width))
                throw new ArgumentException(
                    $"masks of {merged.Width} x {merged.Height} and {next.Width} x {next.Height} pixels "
                        + "cannot be merged; they must belong to one image."
                );
            merged = new Rle(merged.Height, merged.Width, Merge(merged._counts, next._counts, intersect).ToArray());
        }
        return merged;
    }

    private static List<uint> Merge(uint[] a, uint[] b, bool intersect)
    {
        List<uint> counts = [];
        var (left, right) = (new Runs(a), new Runs(b));
        bool inside = false;
        uint run = 0;
        while (true)
        {
            uint shared = Math.Min(left.Remaining, right.Remaining);
            run += shared;
            left.Advance(shared);
            right.Advance(shared);
            bool before = inside,
                ended = left.Remaining + right.Remaining == 0;
            inside = intersect ? left.Inside && right.Inside : left.Inside || right.Inside;
            if (inside != before || ended)
            {
                counts.Add(run);
                run = 0;
            }
            if (ended)
                return counts;
        }
    }

    /// <summary>
    /// The overlap of a detection with an object: intersection over union, or over the detection's own area where the
    /// object is a crowd; -1 where they belong to images of different sizes, as pycocotools has it.
    /// </summary>
    /// <param name="detection">The detection.</param>
    /// <param name="truth">The object.</param>
    /// <param name="crowd">Whether the object is a crowd.</param>
    public static double Iou(Rle detection, Rle truth, bool crowd)
    {
        if (!(CocoBox.Iou(detection.Box, truth.Box, crowd) > 0))
            return 0;
        if ((detection.Height, detection.Width) != (truth.Height, truth.Width))
            return -1;
        var (left, right) = (new Runs(detection._counts), new Runs(truth._counts));
        long shared = 0,
            either = 0;
        do
        {
            uint run = Math.Min(left.Remaining, right.Remaining);
            if (left.Inside || right.Inside)
                either += run;
            if (left.Inside && right.Inside)
                shared += run;
            left.Advance(run);
            right.Advance(run);
        } while (left.Remaining + right.Remaining > 0);
        return shared == 0 ? 0 : (double)shared / (crowd ? detection.Area : either);
    }

    // A run that spans columns reaches from the top to the bottom; an object that the last run leaves open counts as
    // closed.
    private CocoBox FindBox()
    {
        int runs = _counts.Length / 2 * 2;
        if (runs == 0)
            return default;
        uint height = (uint)Height,
            left = (uint)Width,
            top = height,
            right = 0,
            bottom = 0,
            began = 0,
            passed = 0;
        for (int i = 0; i < runs; i++)
        {
            passed += _counts[i];
            uint at = passed - (uint)(i % 2),
                y = at % height,
                x = at / height;
            if (i % 2 == 0)
                began = x;
            else if (began < x)
                (top, bottom) = (0, height - 1);
            (left, right, top, bottom) = (Math.Min(left, x), Math.Max(right, x), Math.Min(top, y), Math.Max(bottom, y));
        }
        return new CocoBox(left, top, (double)right - left + 1, (double)bottom - top + 1);
    }

    /// <summary>A place in a list of runs: within it, what is left of the current one.</summary>
    private struct Runs(uint[] counts)
    {
        private int _next = 1;

        internal uint Remaining = counts[0];
        internal bool Inside;

        // One run at a time, as maskApi.c: empty runs are passed at the next call.
        internal void Advance(uint by)
        {
            Remaining -= by;
            if (Remaining != 0 || _next == counts.Length)
                return;
            Remaining = counts[_next++];
            Inside = !Inside;
        }
    }
}
