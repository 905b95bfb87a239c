namespace PatchKit.Data;

/// <summary>
/// A small mask drawn over its box in an image, linearly between the middles of its cells and falling to 0 half a cell
/// outside, as Detectron2 does.
/// </summary>
internal static class MaskPaste
{
    /// <summary>Sets the pixels where the mask is at least one half.</summary>
    /// <param name="pixels">(H, W), row by row.</param>
    /// <param name="width">W.</param>
    /// <param name="mask">(side, side).</param>
    /// <param name="side">its cells along a side.</param>
    /// <param name="box">left, top, right, bottom.</param>
    internal static void Into(Span<bool> pixels, int width, ReadOnlySpan<float> mask, int side, ReadOnlySpan<float> box)
    {
        int height = width == 0 ? 0 : pixels.Length / width;
        float cellWidth = (box[2] - box[0]) / side,
            cellHeight = (box[3] - box[1]) / side;
        if (!(cellWidth > 0) || !(cellHeight > 0))
            return;
        int left = First(box[0] - cellWidth),
            right = Math.Min(width, First(box[2] + cellWidth) + 1),
            top = First(box[1] - cellHeight),
            bottom = Math.Min(height, First(box[3] + cellHeight) + 1);
        for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++)
            pixels[y * width + x] =
                Value(mask, side, (x + .5f - box[0]) / cellWidth - .5f, (y + .5f - box[1]) / cellHeight - .5f) >= .5f;
    }

    private static int First(float edge) => (int)Math.Clamp(Math.Floor(edge), 0, int.MaxValue / 2);

    // At the middle of cell (0, 0) x and y are 0; outside the mask there are zeros.
    private static float Value(ReadOnlySpan<float> mask, int side, float x, float y)
    {
        int left = (int)MathF.Floor(x),
            top = (int)MathF.Floor(y);
        float right = x - left,
            down = y - top;
        return (1 - down) * ((1 - right) * Cell(mask, left, top) + right * Cell(mask, left + 1, top))
            + down * ((1 - right) * Cell(mask, left, top + 1) + right * Cell(mask, left + 1, top + 1));

        float Cell(ReadOnlySpan<float> cells, int column, int row) =>
            column < 0 || row < 0 || column >= side || row >= side ? 0 : cells[row * side + column];
    }
}
