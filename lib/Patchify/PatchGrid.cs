namespace PatchKit.Patchify;

/// <summary>How many patches an image is cut into: rows x columns.</summary>
/// <param name="Rows">patches from top to bottom.</param>
/// <param name="Columns">patches from left to right.</param>
public readonly record struct PatchGrid(int Rows, int Columns)
{
    /// <summary>The largest patch size.</summary>
    public const int MaxPatchSize = 64;

    /// <summary>The number of patches, L.</summary>
    public int Count => Rows * Columns;

    /// <summary>The grid of an image of height x width pixels cut into patches of patchSize x patchSize.</summary>
    /// <exception cref="ArgumentException">The patch size is not 1 to 64, or does not divide height and
    /// width.</exception>
    public static PatchGrid Of(int height, int width, int patchSize)
    {
        if (patchSize is < 1 or > MaxPatchSize)
            throw new ArgumentException(
                $"patch size {patchSize} is outside 1..{MaxPatchSize}; 1 makes each pixel a token."
            );
        if (height < 1 || width < 1)
            throw new ArgumentException(
                $"an image of {height}x{width} pixels has no patches; both sizes must be at least 1."
            );
        if (height % patchSize != 0 || width % patchSize != 0)
            throw new ArgumentException(
                $"patch size {patchSize} does not divide image size {Size(height, width)}; use a divisor "
                    + $"such as {Divisors(height, width, patchSize)}."
            );
        return new PatchGrid(height / patchSize, width / patchSize);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Rows}x{Columns}";

    private static string Size(int height, int width) => height == width ? $"{height}" : $"{height}x{width}";

    /// <summary>The three usable sizes nearest to the one that was asked for.</summary>
    private static string Divisors(int height, int width, int wanted)
    {
        var usable = Enumerable
            .Range(1, MaxPatchSize)
            .Where(p => height % p == 0 && width % p == 0)
            .OrderBy(p => Math.Abs(p - wanted))
            .ThenByDescending(p => p)
            .Take(3)
            .Order()
            .ToArray();
        return usable.Length == 1 ? $"{usable[0]}" : $"{string.Join(", ", usable[..^1])} or {usable[^1]}";
    }
}
