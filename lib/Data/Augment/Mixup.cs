using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Data.Augment;

/// <summary>
/// Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019) of a batch with its own reverse, one weight for the whole
/// batch, as timm 0.4.12's "batch" mode. On by default in every official recipe, which the paper's tables do not say.
/// </summary>
/// <param name="Classes">how many classes there are.</param>
/// <param name="Smoothing">label smoothing, applied to both labels: 0 in stages 1 and 2, 0.1 in stage 3 and
/// DeiT.</param>
public sealed record Mixup(int Classes, double Smoothing = 0)
{
    /// <summary>Mixup's weight is Beta(Alpha, Alpha); 0 turns it off.</summary>
    public double Alpha { get; init; } = 0.8;

    /// <summary>CutMix's weight is Beta(CutAlpha, CutAlpha); 0 turns it off.</summary>
    public double CutAlpha { get; init; } = 1;

    /// <summary>How often a batch is mixed at all.</summary>
    public double Probability { get; init; } = 1;

    /// <summary>How often a mixed batch is cut rather than blended, where both are on.</summary>
    public double SwitchProbability { get; init; } = 0.5;

    /// <summary>What is done to a batch of images (H, W).</summary>
    public MixupDraw Draw(int height, int width, ref SampleRandom random)
    {
        if ((Alpha <= 0 && CutAlpha <= 0) || !random.Chance(Probability))
            return new MixupDraw(1, null);
        bool cut = CutAlpha > 0 && (Alpha <= 0 || random.Chance(SwitchProbability));
        double weight = cut ? Beta(CutAlpha, ref random) : Beta(Alpha, ref random);
        return cut
            ? MixupDraw.Cut(weight, height, width, random.Below(height), random.Below(width))
            : new MixupDraw(weight, null);
    }

    /// <summary>
    /// Images (B, 3, H, W), each blended with, or patched from, the image at the other end of the batch.
    /// </summary>
    /// <exception cref="ArgumentException">The batch is odd.</exception>
    public static Tensor Images(Tensor images, MixupDraw draw)
    {
        if (images.shape[0] % 2 != 0)
            throw new ArgumentException(
                "Mixup pairs a batch with its reverse and needs an even size, but the batch "
                    + $"has {images.shape[0]} images; drop the last one."
            );
        using var scope = NewDisposeScope();
        var reversed = images.flip(0); // (B, 3, H, W)
        if (draw.Box is not { } box)
            return (images * draw.Weight + reversed * (1 - draw.Weight)).MoveToOuterDisposeScope();
        var mixed = images.clone();
        if (box.Height > 0 && box.Width > 0)
        {
            using var to = mixed.narrow(2, box.Top, box.Height).narrow(3, box.Left, box.Width); // (B, 3, h, w)
            to.copy_(reversed.narrow(2, box.Top, box.Height).narrow(3, box.Left, box.Width));
        }
        return mixed.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Labels (B) to probabilities (B, Classes): w y + (1 - w) y', each smoothed to s/K off and 1 - s + s/K on.
    /// </summary>
    public Tensor Targets(Tensor labels, MixupDraw draw, ScalarType dtype = ScalarType.Float32)
    {
        using var scope = NewDisposeScope();
        double off = Smoothing / Classes,
            on = 1 - Smoothing + off;
        var known = nn.functional.one_hot(labels, Classes).to(dtype) * (on - off) + off; // (B, K)
        return (known * draw.Weight + known.flip(0) * (1 - draw.Weight)).MoveToOuterDisposeScope();
    }

    // Beta(a, a) from two gammas.
    private static double Beta(double a, ref SampleRandom random)
    {
        double x = Gamma(a, ref random),
            y = Gamma(a, ref random);
        return x + y > 0 ? x / (x + y) : 0.5;
    }

    // Marsaglia and Tsang (2000); below 1 by the power trick.
    private static double Gamma(double a, ref SampleRandom random)
    {
        if (a < 1)
            return Gamma(a + 1, ref random) * Math.Pow(1 - random.Uniform(), 1 / a);
        double d = a - 1.0 / 3,
            c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = random.Normal(),
                v = Math.Pow(1 + c * x, 3);
            if (v > 0 && Math.Log(1 - random.Uniform()) < 0.5 * x * x + d - d * v + d * Math.Log(v))
                return d * v;
        }
    }
}
