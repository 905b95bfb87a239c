using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>
/// Layer norm over the channels of each place of a map, as in ViTDet: (B, C, H, W) to the same shape.
/// </summary>
public sealed class ChannelNorm : nn.Module<Tensor, Tensor>
{
    private readonly LayerNorm norm;

    /// <summary>A norm of maps.</summary>
    /// <param name="channels">C.</param>
    public ChannelNorm(int channels)
        : base(nameof(ChannelNorm))
    {
        norm = nn.LayerNorm([channels], eps: 1e-6);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        return norm.call(map.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }
}
