using PatchKit.Ops;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>
/// The strongest peer that plain tensor operators make for the fused scan: chunked as
/// <see cref="SsdScan.Chunked"/>, but C B^T is computed once for all heads of a group, and these stand side by side
/// in wide batched products.
/// </summary>
internal static class TunedScan
{
    private const long Q = SsdScan.ChunkSize;

    /// <summary>
    /// The scan with softplus on dt + dtBias, without gate or initial state; the length is a multiple of the chunk.
    /// </summary>
    /// <param name="x">(b, l, h, p).</param>
    /// <param name="dt">(b, l, h).</param>
    /// <param name="A">(h).</param>
    /// <param name="B">(b, l, g, n).</param>
    /// <param name="C">(b, l, g, n).</param>
    /// <param name="D">(h).</param>
    /// <param name="dtBias">(h).</param>
    /// <returns>(b, l, h, p).</returns>
    /// <exception cref="ArgumentException">The length is not a multiple of the chunk.</exception>
    internal static Tensor Run(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor D, Tensor dtBias)
    {
        using var scope = NewDisposeScope();
        var (b, l, h, p) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
        var (g, n) = (B.shape[2], B.shape[3]);
        if (l % Q != 0)
            throw new ArgumentException($"length {l} is no multiple of the chunk {Q}; use one that is.");
        long c = l / Q,
            heads = h / g;

        var step = nn.functional.softplus(dt + dtBias); // (b, l, h)
        var decay = (step * A).reshape(b, c, Q, h).cumsum(2); // (b, c, q, h)
        var input = step.unsqueeze(-1) * x; // (b, l, h, p)
        var read = Shared(C); // (bcg, q, n)
        var write = Shared(B).transpose(1, 2); // (bcg, n, q)

        var byHead = decay.permute(0, 1, 3, 2); // (b, c, h, q)
        var ahead = full([Q, Q], double.NegativeInfinity).triu(1);
        var lasting = (byHead.unsqueeze(-1) - byHead.unsqueeze(-2)).add_(ahead).exp(); // (b, c, h, q, q)
        var mixing = lasting.reshape(-1, heads, Q, Q) * read.bmm(write).unsqueeze(1); // (bcg, heads, q, q)
        var ofHead = input.reshape(b, c, Q, h, p).permute(0, 1, 3, 2, 4).reshape(-1, Q, p); // (bch, q, p)
        var mixed = mixing.reshape(-1, Q, Q).bmm(ofHead); // (bch, q, p)
        var within = mixed.reshape(b, c, h, Q, p).permute(0, 1, 3, 2, 4); // (b, c, q, h, p)

        var last = decay.narrow(2, Q - 1, 1); // (b, c, 1, h)
        var leaving = input.reshape(b, c, Q, h, p) * (last - decay).exp().unsqueeze(-1); // (b, c, q, h, p)
        // what each chunk adds to the state
        var written = write.bmm(SideBySide(leaving)).reshape(b, c, g, n, heads, p);
        var states = Entering(
            written.permute(0, 2, 4, 1, 3, 5).reshape(b, h, c, n * p),
            last.squeeze(2).permute(0, 2, 1)
        ); // (b, h, c, n p)
        var byGroup = states.reshape(b, g, heads, c, n, p).permute(0, 3, 1, 4, 2, 5); // (b, c, g, n, heads, p)
        var entering = byGroup.reshape(-1, n, heads * p); // (bcg, n, heads p)
        var across =
            read.bmm(entering).reshape(b, c, g, Q, heads, p).permute(0, 1, 3, 2, 4, 5).reshape(b, c, Q, h, p)
            * decay.exp().unsqueeze(-1);

        return ((within + across).reshape(b, l, h, p) + D.unsqueeze(-1) * x).MoveToOuterDisposeScope();

        Tensor Shared(Tensor values) => values.reshape(b, c, Q, g, n).permute(0, 1, 3, 2, 4).reshape(-1, Q, n);
        Tensor SideBySide(Tensor values) =>
            values.reshape(b, c, Q, g, heads * p).permute(0, 1, 3, 2, 4).reshape(-1, Q, heads * p);
    }

    /// <summary>
    /// The state in which each chunk begins, from what each adds (b, h, c, n p) and the logarithm of its decay (b, h,
    /// c).
    /// </summary>
    private static Tensor Entering(Tensor written, Tensor decay)
    {
        var (b, h, c) = (decay.shape[0], decay.shape[1], decay.shape[2]);
        var sums = decay.cumsum(-1);
        // the sum before each chunk
        var begins = sums - decay;
        var future = full([c, c], double.NegativeInfinity).triu();
        var carried = (begins.unsqueeze(-1) - sums.unsqueeze(-2)).add_(future).exp(); // (b, h, c, c), strictly lower
        return carried.reshape(b * h, c, c).bmm(written.reshape(b * h, c, -1)).reshape(b, h, c, -1);
    }
}
