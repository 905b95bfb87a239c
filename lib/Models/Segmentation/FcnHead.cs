using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models.Segmentation;

/// <summary>
/// A head of one 3 x 3 convolution (Long et al. 2015) on the tokens' own map, which helps training and is not used
/// afterwards.
/// </summary>
public sealed class FcnHead : SegmentationHead
{
    /// <summary>Its usual width.</summary>
    public const int UsualChannels = 256;

    private readonly ConvNorm conv;
    private readonly Conv2d classifier;

    /// <summary>A head.</summary>
    /// <param name="embedDim">the token dimension D.</param>
    /// <param name="classes">how many classes.</param>
    /// <param name="channels">its width.</param>
    public FcnHead(int embedDim, int classes, int channels = UsualChannels)
        : base(nameof(FcnHead))
    {
        conv = new ConvNorm(embedDim, channels, 3);
        classifier = nn.Conv2d(channels, classes, 1);
        nn.init.normal_(classifier.weight, 0, .01);
        nn.init.zeros_(classifier.bias!);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        return classifier.call(conv.call(map)).MoveToOuterDisposeScope(); // (B, classes, rows, columns)
    }

    /// <inheritdoc/>
    public override double Macs(int rows, int columns) =>
        conv.Macs((long)rows * columns) + (double)rows * columns * classifier.weight.numel();

    /// <inheritdoc/>
    public override double ActivationBytes(int rows, int columns) => conv.ActivationBytes((long)rows * columns);
}
