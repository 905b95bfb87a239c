using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models.Segmentation;

/// <summary>
/// "Decoder None" (section 3.2): one linear projection of each token to the classes. The patch's pixels share its
/// scores, but for the bilinear upsampling that follows.
/// </summary>
public sealed class LinearSegmentationHead : SegmentationHead
{
    private readonly Linear classifier;

    /// <summary>A linear head: (D + 1) x classes parameters.</summary>
    /// <param name="embedDim">the token dimension D.</param>
    /// <param name="classes">how many classes.</param>
    public LinearSegmentationHead(int embedDim, int classes)
        : base(nameof(LinearSegmentationHead))
    {
        classifier = nn.Linear(embedDim, classes);
        nn.init.normal_(classifier.weight, 0, .01);
        nn.init.zeros_(classifier.bias!);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var tokens = map.permute(0, 2, 3, 1); // (B, rows, columns, D)
        return classifier.call(tokens).permute(0, 3, 1, 2).MoveToOuterDisposeScope(); // (B, classes, rows, columns)
    }

    /// <inheritdoc/>
    public override double Macs(int rows, int columns) =>
        (double)rows * columns * classifier.in_features * classifier.out_features;

    /// <inheritdoc/>
    public override double ActivationBytes(int rows, int columns) => 0;
}
