using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <summary>
/// The Mamba-2 selective state space scan (state space duality; Dao and Gu 2024, arXiv 2405.21060), in three forms held
/// equal by tests. With dt' = softplus(dt + bias) if asked for, else dt + bias, for each head: state_t = exp(dt'_t A)
/// state_(t-1) + dt'_t x_t B_t^T, y_t = state_t C_t + D x_t, and y_t silu(z_t) where z is given. Head i uses group i /
/// (heads / groups) of B and C.
/// </summary>
public static partial class SsdScan
{
    /// <summary>The chunk length that is fastest on CPUs.</summary>
    public const int ChunkSize = 64;

    /// <summary>The fused form where the device has it, else the chunked one.</summary>
    /// <param name="x">(b, l, h, p): the input of each head.</param>
    /// <param name="dt">(b, l, h): the step sizes, before bias and softplus.</param>
    /// <param name="A">(h): negative; how fast each head forgets.</param>
    /// <param name="B">(b, l, g, n): what is written into the state.</param>
    /// <param name="C">(b, l, g, n): what is read from it.</param>
    /// <param name="D">(h): the skip connection.</param>
    /// <param name="z">(b, l, h, p): the gate.</param>
    /// <param name="dtBias">(h).</param>
    /// <param name="dtSoftplus">whether softplus makes the step sizes positive.</param>
    /// <param name="initialState">(b, h, p, n); zero where absent.</param>
    /// <returns>y (b, l, h, p) and the last state (b, h, p, n).</returns>
    /// <exception cref="ArgumentException">The shapes, types or devices do not fit; the message names them.</exception>
    public static (Tensor Y, Tensor FinalState) Scan(
        Tensor x,
        Tensor dt,
        Tensor A,
        Tensor B,
        Tensor C,
        Tensor? D = null,
        Tensor? z = null,
        Tensor? dtBias = null,
        bool dtSoftplus = false,
        Tensor? initialState = null
    ) =>
        KernelTarget.Has(x) && Fits(x, B)
            ? Fused(x, dt, A, B, C, D, z, dtBias, dtSoftplus, initialState)
            : Chunked(x, dt, A, B, C, D, z, dtBias, dtSoftplus, initialState);

    /// <summary>The definition, step by step: slow, and what the other forms are tested against.</summary>
    /// <inheritdoc cref="Scan"/>
    public static (Tensor Y, Tensor FinalState) Sequential(
        Tensor x,
        Tensor dt,
        Tensor A,
        Tensor B,
        Tensor C,
        Tensor? D = null,
        Tensor? z = null,
        Tensor? dtBias = null,
        bool dtSoftplus = false,
        Tensor? initialState = null
    )
    {
        using var scope = NewDisposeScope();
        var (b, l, h, p, n) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3], B.shape[3]);
        var step = StepSize(dt, dtBias, dtSoftplus); // (b, l, h)
        var (write, read) = (PerHead(B, h), PerHead(C, h)); // (b, l, h, n)
        var state = initialState ?? zeros([b, h, p, n], x.dtype, x.device);
        var outputs = new List<Tensor>();
        for (long t = 0; t < l; t++)
        {
            var decay = (step.select(1, t) * A).exp().reshape(b, h, 1, 1);
            var input = (step.select(1, t).unsqueeze(-1) * x.select(1, t)).unsqueeze(-1); // (b, h, p, 1)
            state = state * decay + input * write.select(1, t).unsqueeze(2); // (b, h, p, n)
            outputs.Add((state * read.select(1, t).unsqueeze(2)).sum(-1)); // (b, h, p)
        }
        var y = SkipAndGate(stack(outputs, 1), x, D, z);
        return (y.MoveToOuterDisposeScope(), state.alias().MoveToOuterDisposeScope());
    }

    /// <summary>
    /// The chunked form: quadratic within chunks, linear between them; tensor operators only, on any device.
    /// </summary>
    /// <inheritdoc cref="Scan"/>
    public static (Tensor Y, Tensor FinalState) Chunked(
        Tensor x,
        Tensor dt,
        Tensor A,
        Tensor B,
        Tensor C,
        Tensor? D = null,
        Tensor? z = null,
        Tensor? dtBias = null,
        bool dtSoftplus = false,
        Tensor? initialState = null,
        int chunkSize = ChunkSize
    )
    {
        using var scope = NewDisposeScope();
        var (b, l, h, p, n) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3], B.shape[3]);
        long q = Math.Min(chunkSize, l),
            c = (l + q - 1) / q;
        var step = StepSize(dt, dtBias, dtSoftplus); // (b, l, h)
        // A padded step has size 0: it neither decays the state nor writes to it.
        var input = Chunks(step.unsqueeze(-1) * x, c, q); // (b, c, q, h, p)
        var (write, read) = (Chunks(PerHead(B, h), c, q), Chunks(PerHead(C, h), c, q)); // (b, c, q, h, n)
        var logDecay = Chunks(step * A, c, q).permute(0, 3, 1, 2); // (b, h, c, q)
        var decay = SegmentSum(logDecay).exp(); // (b, h, c, q, q): from step j to step i
        var sinceStart = logDecay.cumsum(-1); // (b, h, c, q)

        var within = einsum("bcihn,bcjhn,bhcij,bcjhp->bcihp", read, write, decay, input);
        var toEnd = decay.select(-2, q - 1); // (b, h, c, q)
        // what each chunk adds to the state
        var written = einsum("bcjhn,bhcj,bcjhp->bchpn", write, toEnd, input);
        var start = (initialState ?? zeros([b, h, p, n], x.dtype, x.device)).unsqueeze(1); // (b, 1, h, p, n)
        var chunkDecay = nn.functional.pad(sinceStart.select(-1, q - 1), [1, 0]); // (b, h, c + 1)
        var kept = SegmentSum(chunkDecay).exp(); // (b, h, c + 1, c + 1): from chunk c to chunk z
        var states = einsum("bhzc,bchpn->bzhpn", kept, cat([start, written], 1)); // (b, c + 1, h, p, n)
        var across = einsum("bcihn,bchpn,bhci->bcihp", read, states.narrow(1, 0, c), sinceStart.exp());

        var y = SkipAndGate((within + across).reshape(b, c * q, h, p).narrow(1, 0, l), x, D, z);
        return (y.MoveToOuterDisposeScope(), states.select(1, c).contiguous().MoveToOuterDisposeScope());
    }

    /// <summary>
    /// For (..., q): (..., q, q), whose entry (i, j) is the sum of the entries j + 1 to i; minus infinity where j is
    /// after i. Each segment is added up by itself: a difference of two long sums would lose its digits.
    /// </summary>
    private static Tensor SegmentSum(Tensor values)
    {
        long q = values.shape[^1];
        var sums = values.unsqueeze(-1).expand([.. values.shape, q]).tril(-1).cumsum(-2);
        var later = ones([q, q], ScalarType.Bool, values.device).triu(1);
        return sums.masked_fill(later, double.NegativeInfinity);
    }

    /// <summary>(b, l, ...) padded with zeros and cut into chunks: (b, c, q, ...).</summary>
    private static Tensor Chunks(Tensor values, long c, long q)
    {
        long[] shape = values.shape;
        long missing = c * q - shape[1];
        if (missing > 0)
        {
            long[] padding = [shape[0], missing, .. shape[2..]];
            values = cat([values, zeros(padding, values.dtype, values.device)], 1);
        }
        return values.reshape([shape[0], c, q, .. shape[2..]]);
    }

    private static Tensor StepSize(Tensor dt, Tensor? bias, bool softplus)
    {
        var step = bias is null ? dt : dt + bias;
        return softplus ? nn.functional.softplus(step) : step;
    }

    private static Tensor PerHead(Tensor groups, long heads) =>
        groups.shape[2] == heads ? groups : groups.repeat_interleave(heads / groups.shape[2], 2);

    private static Tensor SkipAndGate(Tensor y, Tensor x, Tensor? D, Tensor? z)
    {
        if (D is not null)
            y = y + D.reshape(D.ndim == 1 ? [-1, 1] : D.shape) * x;
        return z is null ? y : y * nn.functional.silu(z);
    }
}
