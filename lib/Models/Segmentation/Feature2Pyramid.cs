using TorchSharp;
using TorchSharp.Modules;
using static PatchKit.Models.AutocastBytes;
using static TorchSharp.torch;

namespace PatchKit.Models.Segmentation;

/// <summary>
/// UperNet's pyramid, four maps of a plain encoder's one (BEiT's Feature2Pyramid; Bao et al. 2022, He et al. 2022, Li
/// et al. 2022): at the absolute strides 4, 8, 16 and 32 pixels, so that every patch size gives the decoder maps of one
/// resolution; for patches below 4 at the encoder's own stride p, 2p, 4p and 8p. Finer maps come of transposed
/// convolutions, each halving the stride, coarser ones of max pooling; where a stride is no power of two of the patch,
/// what is left is bilinear, or average pooling.
/// </summary>
internal sealed class Feature2Pyramid : nn.Module
{
    internal const int Levels = 4;
    private const int Finest = 4;
    private readonly ModuleList<Sequential> finer;
    private readonly int _patchSize,
        _embedDim;

    internal Feature2Pyramid(int embedDim, int patchSize)
        : base(nameof(Feature2Pyramid))
    {
        (_embedDim, _patchSize) = (embedDim, patchSize);
        Strides = [.. Enumerable.Range(0, Levels).Select(level => (patchSize < Finest ? patchSize : Finest) << level)];
        finer = new ModuleList<Sequential>([.. Strides.Select(stride => Upward(embedDim, Doublings(stride)))]);
        RegisterComponents();
    }

    /// <summary>The strides of the maps in pixels, the finest first.</summary>
    internal IReadOnlyList<int> Strides { get; }

    /// <summary>
    /// A map (B, D, rows, columns) to four (B, D, h, w), the finest first. A height is rows x p / stride, rounded up.
    /// </summary>
    internal Tensor[] Maps(Tensor map)
    {
        var maps = new Tensor[Levels];
        for (int level = 0; level < Levels; level++)
        {
            using var scope = NewDisposeScope();
            var (height, width) = (Side((int)map.shape[2], Strides[level]), Side((int)map.shape[3], Strides[level]));
            maps[level] = Resized(finer[level].call(map), height, width).MoveToOuterDisposeScope(); // (B, D, h, w)
        }
        return maps;
    }

    /// <summary>Places of the maps, the finest first.</summary>
    internal long[] Places(int rows, int columns) =>
        [.. Strides.Select(stride => (long)Side(rows, stride) * Side(columns, stride))];

    // A transposed convolution of 2 x 2 makes four places of one, with D x D products each.
    internal double Macs(int rows, int columns) =>
        Strides.Sum(stride =>
            Enumerable
                .Range(1, Doublings(stride))
                .Sum(i => (double)rows * columns * Math.Pow(4, i) * _embedDim * _embedDim)
        );

    // A map, and each map on the way to it, with the norm that follows.
    internal double ActivationBytes(int rows, int columns)
    {
        double bytes = 0;
        foreach (int stride in Strides)
        {
            bytes += (double)Side(rows, stride) * Side(columns, stride) * _embedDim * Bf16;
            for (int doubled = _patchSize / 2; doubled > stride; doubled /= 2)
                bytes += (double)Side(rows, doubled) * Side(columns, doubled) * _embedDim * (Bf16 + Normed);
        }
        return bytes;
    }

    private int Side(int tokens, int stride) => (tokens * _patchSize + stride - 1) / stride;

    private int Doublings(int stride) => stride < _patchSize ? (int)Math.Log2(_patchSize / stride) : 0;

    // Norm and GELU stand between two convolutions, not after the last, as in the sources above.
    private static Sequential Upward(int embedDim, int doublings)
    {
        var steps = new List<nn.Module<Tensor, Tensor>>();
        for (int i = 0; i < doublings; i++)
        {
            if (i > 0)
                steps.AddRange([new LayerNorm2d(embedDim), nn.GELU()]);
            steps.Add(nn.ConvTranspose2d(embedDim, embedDim, 2, stride: 2));
        }
        return nn.Sequential([.. steps]);
    }

    private static Tensor Resized(Tensor map, int height, int width)
    {
        var (rows, columns) = ((int)map.shape[2], (int)map.shape[3]);
        if ((rows, columns) == (height, width))
            return map.alias();
        if (rows < height || columns < width)
            return nn.functional.interpolate(
                map,
                [height, width],
                mode: InterpolationMode.Bilinear,
                align_corners: false
            );
        return rows % height == 0 && columns % width == 0 && rows / height == columns / width
            ? nn.functional.max_pool2d(map, rows / height)
            : nn.functional.adaptive_avg_pool2d(map, [height, width]);
    }
}
