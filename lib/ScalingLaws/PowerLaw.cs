using System.Globalization;

namespace PatchKit.ScalingLaws;

/// <summary>The law loss(p) = floor + a p^alpha over the patch size p (the paper's Figure 1).</summary>
/// <param name="Floor">the loss that no patch size goes below; 0 for a plain power law.</param>
/// <param name="Scale">a, the loss above the floor at p = 1.</param>
/// <param name="Alpha">the exponent, above 0 where small patches help.</param>
public sealed record PowerLaw(double Floor, double Scale, double Alpha)
{
    /// <summary>The loss at a patch size.</summary>
    public double At(double patchSize) => Floor + Scale * Math.Pow(patchSize, Alpha);

    /// <summary>"0.8009 + 0.0184 p^1.045".</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(Floor == 0 ? "" : $"{Floor:0.0000} + ")}{Scale:0.0000} p^{Alpha:0.000}"
        );
}
