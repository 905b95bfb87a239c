using TorchSharp;
using TorchSharp.Modules;
using static PatchKit.Models.AutocastBytes;
using static TorchSharp.torch;

namespace PatchKit.Models.Segmentation;

/// <summary>
/// Convolution, norm, ReLU: what decoders are made of. The norm is over the channels of each place, where UperNet's own
/// is over the batch: the count of parameters is the same, a batch may be small or trained in parts, and a step that is
/// cut short leaves no trace in running statistics.
/// </summary>
internal sealed class ConvNorm : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d conv;
    private readonly LayerNorm2d norm;

    internal ConvNorm(int inChannels, int outChannels, int kernel)
        : base(nameof(ConvNorm))
    {
        conv = nn.Conv2d(inChannels, outChannels, kernel, padding: kernel / 2, bias: false);
        nn.init.kaiming_normal_(conv.weight);
        norm = new LayerNorm2d(outChannels);
        RegisterComponents();
    }

    /// <summary>(B, in, H, W) to (B, out, H, W).</summary>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        return nn.functional.relu(norm.call(conv.call(map))).MoveToOuterDisposeScope();
    }

    internal double Macs(long places) => (double)places * conv.weight.numel();

    internal double ActivationBytes(long places) => (double)places * conv.weight.shape[0] * Normed;
}
