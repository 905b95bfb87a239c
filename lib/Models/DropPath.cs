using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>
/// Stochastic depth (Huang et al. 2016): in training a residual branch is dropped for whole images, and the kept ones
/// are scaled up. A block uses one rate for both of its branches, with a draw for each.
/// </summary>
public sealed class DropPath : nn.Module<Tensor, Tensor>
{
    /// <summary>A branch that is dropped with a probability.</summary>
    /// <exception cref="ArgumentException">The rate is outside [0, 1).</exception>
    public DropPath(double rate)
        : base(nameof(DropPath))
    {
        if (rate is < 0 or >= 1 or double.NaN)
            throw new ArgumentException($"drop-path rate {rate} is outside [0, 1); 0 drops nothing.");
        Rate = rate;
    }

    /// <summary>The probability of dropping the branch.</summary>
    public double Rate { get; }

    /// <summary>
    /// Where the images of a process are a share of a batch that several train together: how many images the batch has,
    /// and the share's places. The masks are then drawn for the whole batch, as one process draws them.
    /// </summary>
    internal (int Batch, int[] Places)? Share { get; set; }

    /// <summary>The branch (B, ...), dropped for some images in training.</summary>
    public override Tensor forward(Tensor branch)
    {
        if (Rate == 0 || !training)
            return branch.alias();
        using var scope = NewDisposeScope();
        long[] perImage = [Share?.Batch ?? branch.shape[0], .. Enumerable.Repeat(1L, (int)branch.ndim - 1)];
        var keep = empty(perImage, branch.dtype, branch.device).bernoulli_(1 - Rate).div_(1 - Rate);
        if (Share is { } share)
            keep = keep.index_select(0, tensor(Array.ConvertAll(share.Places, place => (long)place)).to(branch.device));
        return (branch * keep).MoveToOuterDisposeScope();
    }

    /// <summary>DeiT's rates (timm 0.4.12): rising evenly from 0 to the last block's.</summary>
    public static double[] DeitRates(double last, int depth) =>
        [.. Enumerable.Range(0, depth).Select(i => depth == 1 ? 0 : last * i / (depth - 1))];

    /// <summary>
    /// Adventurer's rates: 0, then DeiT's, so that blocks 0 and 1 drop nothing and the last one less than asked for.
    /// </summary>
    public static double[] AdventurerRates(double last, int depth) => [0, .. DeitRates(last, depth)[..^1]];
}
