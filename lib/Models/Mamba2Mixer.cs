using PatchKit.Ops;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>
/// The Mamba-2 token mixer (Dao and Gu 2024): projection, causal convolution, selective scan, gated norm, projection.
/// </summary>
public sealed class Mamba2Mixer : nn.Module<Tensor, Tensor>
{
    private readonly int _inner,
        _headDim,
        _stateDim,
        _groups;
    private readonly Parameter dt_bias,
        A_log,
        D;
    private readonly Linear in_proj;
    private readonly Conv1d conv1d;
    private readonly RmsNormLayer norm;
    private readonly Linear out_proj;

    /// <summary>A mixer of the configuration's widths, initialised as the official code does.</summary>
    /// <param name="config">widths; the depth scales the output projection.</param>
    /// <exception cref="ArgumentException">The head dimension does not divide the inner width, or the groups not the
    /// heads.</exception>
    public Mamba2Mixer(AdventurerConfig config)
        : base(nameof(Mamba2Mixer))
    {
        (_inner, _headDim, _stateDim, _groups) = (config.InnerDim, config.HeadDim, config.StateDim, config.Groups);
        if (_inner % _headDim != 0)
            throw new ArgumentException(
                $"head dimension {_headDim} does not divide the inner width {_inner} ({config.Expand} "
                    + $"x {config.EmbedDim}); use a divisor of it."
            );
        int heads = _inner / _headDim;
        if (heads % _groups != 0)
            throw new ArgumentException($"{_groups} groups do not divide {heads} heads; use a divisor.");
        int convolved = _inner + 2 * _groups * _stateDim;
        in_proj = nn.Linear(config.EmbedDim, _inner + convolved + heads, hasBias: false);
        conv1d = nn.Conv1d(convolved, convolved, config.ConvWidth, groups: convolved);
        using (no_grad())
        {
            // The inverse of softplus, of step sizes spread evenly in logarithm from .001 to .1.
            var step = (rand([heads]) * (Math.Log(0.1) - Math.Log(0.001)) + Math.Log(0.001)).exp().clamp_(1e-4);
            dt_bias = Initialize.Parameter(step + (-(-step).expm1()).log());
            A_log = Initialize.Parameter((rand([heads]) * 15 + 1).log());
            D = Initialize.Parameter(ones([heads]));
            norm = new RmsNormLayer(_inner);
            out_proj = nn.Linear(_inner, config.EmbedDim, hasBias: false);
            out_proj.weight.div_(Math.Sqrt(config.Depth));
        }
        RegisterComponents();
    }

    /// <summary>Tokens (B, L, D), each mixed with those before it, (B, L, D).</summary>
    public override Tensor forward(Tensor u) => Mix(u, lastOnly: false);

    /// <summary>The last token, mixed with all before it: (B, L, D) to (B, 1, D).</summary>
    internal Tensor LastToken(Tensor u) => Mix(u, lastOnly: true);

    private Tensor Mix(Tensor u, bool lastOnly)
    {
        using var scope = NewDisposeScope();
        int heads = _inner / _headDim,
            shared = _groups * _stateDim;
        // z, x B C, dt
        var parts = in_proj.call(u).split([_inner, _inner + 2 * shared, heads], -1);
        var xBC = CausalConv
            .Run(parts[1], conv1d.weight.squeeze(1), conv1d.bias, silu: true)
            .split([_inner, shared, shared], -1);
        var (y, _) = SsdScan.Scan(
            xBC[0].unflatten(2, heads, _headDim), // (B, L, H, P)
            parts[2],
            -A_log.exp(), // (B, L, H), (H)
            xBC[1].unflatten(2, _groups, _stateDim),
            xBC[2].unflatten(2, _groups, _stateDim), // (B, L, G, N)
            D,
            dtBias: dt_bias,
            dtSoftplus: true
        ); // (B, L, H, P)
        var (scanned, gate) = (Wanted(y.flatten(2)), Wanted(parts[0])); // (B, L or 1, inner)
        var gated = RmsNorm.Run(scanned, norm.weight, z: gate, eps: RmsNormLayer.Epsilon); // (B, L or 1, inner)
        return out_proj.call(gated).MoveToOuterDisposeScope(); // (B, L or 1, D)

        Tensor Wanted(Tensor tokens) => lastOnly ? tokens.narrow(1, -1, 1) : tokens;
    }
}
