using System.Numerics;
using TorchSharp;
using TorchSharp.Modules;
using static PatchKit.Models.AutocastBytes;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>
/// The simple feature pyramid of ViTDet (Li et al. 2022, section 3): every level from the plain backbone's one map, by
/// transposed convolutions where it is finer and by pooling where it is coarser, and no connection between levels.
/// </summary>
public sealed class FeaturePyramid : nn.Module<Tensor, IReadOnlyList<Tensor>>
{
    private readonly ModuleList<Level> levels;

    /// <summary>A pyramid.</summary>
    /// <param name="embedDim">the backbone's width D.</param>
    /// <param name="patchSize">the backbone's stride p.</param>
    /// <param name="dim">channels C of every level.</param>
    /// <param name="strides">the levels' strides, the finest first.</param>
    /// <exception cref="ArgumentException">A stride is no power of two away from the patch size.</exception>
    public FeaturePyramid(int embedDim, int patchSize, int dim, IReadOnlyList<int> strides)
        : base(nameof(FeaturePyramid))
    {
        Strides = strides;
        levels = new ModuleList<Level>([.. strides.Select(stride => new Level(embedDim, patchSize, dim, stride))]);
        RegisterComponents();
    }

    /// <summary>The strides of the levels, the finest first.</summary>
    public IReadOnlyList<int> Strides { get; }

    /// <summary>The backbone's map (B, D, H / p, W / p) to a map (B, C, H / s, W / s) of each stride s.</summary>
    public override IReadOnlyList<Tensor> forward(Tensor map) => [.. levels.Select(level => level.call(map))];

    /// <summary>Multiply-accumulates on one image's map.</summary>
    internal double Macs(int height, int width) => levels.Sum(level => level.Macs(height, width));

    /// <summary>Bytes kept for the backward pass of one image's map.</summary>
    internal double ActivationBytes(int height, int width) => levels.Sum(level => level.ActivationBytes(height, width));

    private sealed class Level : nn.Module<Tensor, Tensor>
    {
        private readonly ModuleList<ConvTranspose2d> up;
        private readonly ModuleList<ChannelNorm> up_norm;
        private readonly Conv2d inner,
            outer;
        private readonly ChannelNorm inner_norm,
            outer_norm;
        private readonly int _patchSize,
            _stride,
            _pool;

        internal Level(int embedDim, int patchSize, int dim, int stride)
            : base(nameof(Level))
        {
            (_patchSize, _stride) = (patchSize, stride);
            int larger = Math.Max(patchSize, stride),
                smaller = Math.Min(patchSize, stride);
            if (smaller < 1 || larger % smaller != 0 || !BitOperations.IsPow2(larger / smaller))
                throw new ArgumentException(
                    $"a level of stride {stride} cannot be made of patches of {patchSize} pixels by halving "
                        + $"or doubling; use strides such as {patchSize}, {2 * patchSize} and {4 * patchSize}."
                );
            int doublings = stride < patchSize ? BitOperations.Log2((uint)(patchSize / stride)) : 0;
            _pool = Math.Max(1, stride / patchSize);
            int[] widths =
            [
                embedDim,
                .. Enumerable.Range(1, doublings).Select(i => Math.Max(Math.Min(embedDim, dim), embedDim >> i)),
            ];
            up = new ModuleList<ConvTranspose2d>([
                .. widths.Zip(widths.Skip(1), (from, to) => nn.ConvTranspose2d(from, to, 2, stride: 2)),
            ]);
            up_norm = new ModuleList<ChannelNorm>([
                .. widths.Skip(1).SkipLast(1).Select(width => new ChannelNorm(width)),
            ]);
            (inner, outer) = (
                nn.Conv2d(widths[^1], dim, 1, bias: false),
                nn.Conv2d(dim, dim, 3, padding: 1, bias: false)
            );
            (inner_norm, outer_norm) = (new ChannelNorm(dim), new ChannelNorm(dim));
            RegisterComponents();
        }

        public override Tensor forward(Tensor map)
        {
            using var scope = NewDisposeScope();
            var x = map; // (B, D, H / p, W / p)
            for (int i = 0; i < up.Count; i++)
            {
                if (i > 0)
                    x = nn.functional.gelu(up_norm[i - 1].call(x));
                x = up[i].call(x); // twice as high and wide
            }
            if (_pool > 1)
                x = nn.functional.max_pool2d(x, _pool);
            x = inner_norm.call(inner.call(x)); // (B, C, H / s, W / s)
            return outer_norm.call(outer.call(x)).MoveToOuterDisposeScope(); // (B, C, H / s, W / s)
        }

        internal double Macs(int height, int width) =>
            up.Select((layer, i) => DetectorCost.Places(height, width, _patchSize >> i) * layer.weight.numel()).Sum()
            + DetectorCost.Places(height, width, _stride) * (inner.weight.numel() + outer.weight.numel());

        internal double ActivationBytes(int height, int width)
        {
            double bytes = DetectorCost.Places(height, width, _stride) * 2 * inner.weight.shape[0] * Normed;
            for (int i = 0; i < up.Count; i++)
            {
                int kept = i < up_norm.Count ? Bf16 + Normed : Bf16;
                bytes += DetectorCost.Places(height, width, _patchSize >> i) * 4 * up[i].weight.shape[1] * kept;
            }
            return bytes;
        }
    }
}
