using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Resizes images to a size or by a factor: (B, C, H, W) to (B, C, H', W').</summary>
public sealed class Upsample : nn.Module<Tensor, Tensor>
{
    private readonly long[]? _size;
    private readonly double[]? _scaleFactor;

    internal Upsample(long[]? size, double[]? scaleFactor, UpsampleMode mode, bool? alignCorners) : base(nameof(Upsample)) =>
        (_size, _scaleFactor, this.mode, align_corners) = (size, scaleFactor, mode, alignCorners);

    /// <summary>How the pixels are filled.</summary>
    public UpsampleMode mode { get; }

    /// <summary>Whether the centres of the corner pixels stay in place.</summary>
    public bool? align_corners { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => nn.functional.interpolate(input, _size, _scaleFactor, (InterpolationMode)mode, align_corners);
}
