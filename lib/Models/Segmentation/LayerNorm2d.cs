using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models.Segmentation;

/// <summary>
/// Layer norm over the channels of each place of a map (B, C, H, W), as plain encoders norm their tokens (ConvNeXt's
/// LayerNorm2d). Detection's <see cref="Detection.ChannelNorm"/> has another epsilon and other names of its weights.
/// </summary>
internal sealed class LayerNorm2d : nn.Module<Tensor, Tensor>
{
    private readonly Parameter weight,
        bias;

    internal LayerNorm2d(int channels)
        : base(nameof(LayerNorm2d))
    {
        (weight, bias) = (Initialize.Parameter(ones([channels])), Initialize.Parameter(zeros([channels])));
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var places = map.permute(0, 2, 3, 1); // (B, H, W, C)
        return nn
            .functional.layer_norm(places, weight.shape, weight, bias)
            .permute(0, 3, 1, 2)
            .MoveToOuterDisposeScope();
    }
}
