using PatchKit.Ops;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>Root-mean-square normalisation with a learned scale.</summary>
public sealed class RmsNormLayer : nn.Module<Tensor, Tensor>
{
    /// <summary>What is added to the mean square, everywhere in Adventurer.</summary>
    public const double Epsilon = 1e-5;

    /// <summary>The scale (D), 1 at first.</summary>
    public readonly Parameter weight;

    /// <summary>A norm of D channels.</summary>
    public RmsNormLayer(long dim)
        : base(nameof(RmsNormLayer))
    {
        weight = Initialize.Parameter(ones([dim]));
        RegisterComponents();
    }

    /// <summary>(..., D) to the same shape.</summary>
    public override Tensor forward(Tensor x) => RmsNorm.Run(x, weight, eps: Epsilon);
}
