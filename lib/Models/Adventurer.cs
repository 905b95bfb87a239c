using PatchKit.Patchify;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>
/// Adventurer (Wang et al. 2024, arXiv 2410.07599): a plain encoder whose token mixer is Mamba-2's causal scan, linear
/// in the sequence length. The class token is last, where the scan has seen every patch; each block's scan starts from
/// the mean of all tokens. State-dict names are those of the official checkpoints.
/// <code>
/// x = patch_embed(images)                      // (B, 3, H, W) to (B, L, D), L = (H / p) (W / p)
/// x = cat([x, cls_token]) + pos_embed          // (B, L + 1, D), the class token last
/// for each block:
///     u = norm(x)                              // (B, L + 1, D)
///     if the block flips: u[:, :L] reversed    // by its FlipSchedule; the class token stays last
///     u = cat([mean(norm(x)), u])              // (B, L + 2, D), headed by the mean token
///     z, xBC, dt = in_proj(u)                  // (B, L + 2, 2 D), (B, L + 2, 2 D + 2 G N), (B, L + 2, heads)
///     x_, B_, C_ = silu(conv1d(xBC))           // (B, L + 2, 2 D), (B, L + 2, G N) twice
///     y = scan(x_, softplus(dt), A, B_, C_)    // (B, L + 2, 2 D), token after token
///     u = out_proj(rms(y silu(z)))             // (B, L + 2, D), the mean token's dropped, the flip undone
///     x = x + drop_path(u)                     // (B, L + 1, D)
///     u = norm_mlp(x)                          // (B, L + 1, D)
///     x = x + drop_path(w3(silu(w1 u) w2 u))   // (B, L + 1, D), through 2.5 D
/// return head(norm_f(x)[:, L])                 // (B, classes)
/// </code>
/// The last block computes the class token alone where only scores are asked for.
/// </summary>
public sealed class Adventurer : Backbone
{
    private readonly ModuleList<Block> layers;
    private readonly RmsNormLayer norm_f;

    /// <summary>An Adventurer, initialised as the official code does.</summary>
    /// <exception cref="ArgumentException">The patch size does not divide the image, or the head dimension not the
    /// inner width.</exception>
    public Adventurer(AdventurerConfig config)
        : base(nameof(Adventurer), config)
    {
        Initialize.LecunNormal(patch_embed.Weight);
        nn.init.zeros_(patch_embed.Bias);
        if (head is not null)
            register_module(nameof(head), head);
        double[] rates = DropPath.AdventurerRates(config.DropPath, config.Depth);
        layers = new ModuleList<Block>([.. rates.Select((rate, n) => new Block(config, rate, config.FlipsBlock(n)))]);
        norm_f = new RmsNormLayer(config.EmbedDim);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override ClsToken Cls => ClsToken.Last;

    private protected override Tensor Encode(Tensor x, bool extraOnly)
    {
        foreach (var layer in layers)
            x = Run(extraOnly && layer == layers[^1] ? layer.ClassToken : layer.call, x); // (B, L + 1, D)
        return x;
    }

    private protected override Tensor Normalize(Tensor tokens) => norm_f.call(tokens);

    /// <summary>
    /// Pre-norm block: x + mixer(norm(x)), reversed or not and headed by the mean token, then x + mlp(norm(x)).
    /// </summary>
    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly bool _flip;
        private readonly Mamba2Mixer mixer;
        private readonly RmsNormLayer norm;
        private readonly SwiGlu mlp;
        private readonly RmsNormLayer norm_mlp;
        private readonly DropPath drop_path;

        internal Block(AdventurerConfig config, double dropPath, bool flip)
            : base(nameof(Block))
        {
            _flip = flip;
            mixer = new Mamba2Mixer(config);
            norm = new RmsNormLayer(config.EmbedDim);
            mlp = new SwiGlu(config.EmbedDim, config.MlpDim);
            norm_mlp = new RmsNormLayer(config.EmbedDim);
            drop_path = new DropPath(dropPath);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => Run(x, clsOnly: false);

        /// <summary>What the block makes of the class token: (B, L + 1, D) to (B, 1, D).</summary>
        internal Tensor ClassToken(Tensor x) => Run(x, clsOnly: true);

        private Tensor Run(Tensor x, bool clsOnly)
        {
            using var scope = NewDisposeScope();
            x = (clsOnly ? x.narrow(1, -1, 1) : x) + drop_path.call(Mix(norm.call(x), clsOnly)); // (B, L + 1 or 1, D)
            x = x + drop_path.call(mlp.call(norm_mlp.call(x)));
            return x.MoveToOuterDisposeScope();
        }

        private Tensor Mix(Tensor tokens, bool clsOnly)
        {
            using var scope = NewDisposeScope();
            long patches = tokens.shape[1] - 1;
            var heading = tokens.mean([1], keepdim: true); // (B, 1, D)
            var sequence = _flip
                // the class token stays last
                ? cat([heading, tokens.narrow(1, 0, patches).flip(1), tokens.narrow(1, patches, 1)], 1)
                : cat([heading, tokens], 1); // (B, L + 2, D)
            if (clsOnly)
                return mixer.LastToken(sequence).MoveToOuterDisposeScope(); // (B, 1, D)
            var mixed = mixer.call(sequence).narrow(1, 1, patches + 1); // (B, L + 1, D): without the heading's output
            var restored = _flip ? cat([mixed.narrow(1, 0, patches).flip(1), mixed.narrow(1, patches, 1)], 1) : mixed;
            return restored.MoveToOuterDisposeScope();
        }
    }

    /// <summary>SwiGLU (Shazeer 2020): w3(silu(w1 x) w2 x), with biases.</summary>
    private sealed class SwiGlu : nn.Module<Tensor, Tensor>
    {
        private readonly Linear w1,
            w2,
            w3;

        internal SwiGlu(int dim, int hidden)
            : base(nameof(SwiGlu))
        {
            (w1, w2, w3) = (nn.Linear(dim, hidden), nn.Linear(dim, hidden), nn.Linear(hidden, dim));
            foreach (var linear in new[] { w1, w2, w3 })
                nn.init.zeros_(linear.bias!);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return w3.call(nn.functional.silu(w1.call(x)) * w2.call(x)).MoveToOuterDisposeScope(); // (B, L, D)
        }
    }
}
