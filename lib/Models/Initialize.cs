using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>Initialisations as timm 0.4.12 and the official code have them.</summary>
internal static class Initialize
{
    /// <summary>
    /// A parameter that outlives the dispose scope in which its model is made, as those of TorchSharp's own modules do;
    /// a bare <c>new Parameter</c> goes with the scope.
    /// </summary>
    internal static Parameter Parameter(Tensor values)
    {
        var parameter = new Parameter(values);
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    /// <summary>
    /// A normal distribution cut at -2 and 2, drawn through the inverse of its distribution function. The cut is
    /// absolute: at std .02 it cuts nothing. (TorchSharp's own trunc_normal_ gives every element the value std.)
    /// </summary>
    internal static Tensor TruncatedNormal(Tensor weights, double std = 0.02)
    {
        using var recording = no_grad();
        using var cut = tensor(2 / (std * Math.Sqrt(2)), float64);
        using var mass = cut.erf();
        return weights.uniform_(-mass.ToDouble(), mass.ToDouble()).erfinv_().mul_(std * Math.Sqrt(2)).clamp_(-2, 2);
    }

    /// <summary>
    /// timm's lecun_normal_: a truncated normal of variance 1 / fan-in, corrected for a cut at two deviations that the
    /// absolute cut does not make.
    /// </summary>
    internal static Tensor LecunNormal(Tensor weights)
    {
        long fanIn = weights.numel() / weights.shape[0];
        return TruncatedNormal(weights, Math.Sqrt(1.0 / fanIn) / 0.87962566103423978);
    }
}
