using PatchKit.Ops;
using PatchKit.Patchify;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>
/// The plain Vision Transformer of DeiT (Touvron et al. 2021; timm 0.4.12), with state-dict names as the official
/// checkpoints have them; by options of its configuration also the distilled DeiT and DeiT-III.
/// <code>
/// x = patch_embed(images)                      // (B, 3, H, W) to (B, L, D), L = (H / p) (W / p)
/// x = cat([cls_token, x]) + pos_embed          // (B, L + 1, D)
/// for each block:
///     q, k, v = qkv(norm1(x)).chunk(3)         // (B, L + 1, D) each; (B, heads, L + 1, D / heads) in heads
///     a = softmax(q k^T / sqrt(D / heads)) v   // (B, heads, L + 1, D / heads), joined to (B, L + 1, D)
///     x = x + drop_path(proj(a))               // (B, L + 1, D)
///     h = gelu(fc1(norm2(x)))                  // (B, L + 1, 4 D)
///     x = x + drop_path(fc2(h))                // (B, L + 1, D)
/// x = norm(x)                                  // (B, L + 1, D)
/// return head(x[:, 0])                         // (B, classes)
/// </code>
/// A distilled one has a second token with its own head, DeiT-III a scale on each branch and no position for the class
/// token. The last block computes the class token alone where only scores are asked for.
/// </summary>
public sealed class VisionTransformer : Backbone
{
    private readonly ModuleList<Block> blocks;
    private readonly LayerNorm norm;
    private readonly Parameter? dist_token;
    private readonly Linear? head_dist;

    /// <summary>A ViT, initialised as timm 0.4.12 does.</summary>
    /// <exception cref="ArgumentException">The patch size does not divide the image, or the heads do not divide the
    /// width.</exception>
    public VisionTransformer(VisionTransformerConfig config)
        : base(nameof(VisionTransformer), config)
    {
        if (config.EmbedDim % config.Heads != 0)
            throw new ArgumentException(
                $"{config.Heads} heads do not divide the embedding dimension {config.EmbedDim}; use a divisor of it."
            );
        double[] rates = DropPath.DeitRates(config.DropPath, config.Depth);
        blocks = new ModuleList<Block>([.. rates.Select(rate => new Block(config, rate))]);
        norm = nn.LayerNorm([config.EmbedDim], eps: 1e-6);
        if (config.Distilled)
        {
            dist_token = Initialize.Parameter(Initialize.TruncatedNormal(zeros([1, 1, config.EmbedDim])));
            if (config.Classes > 0)
                head_dist = Dense(config.EmbedDim, config.Classes);
        }
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override ClsToken Cls => ClsToken.First;

    private protected override Tensor Encode(Tensor x, bool extraOnly)
    {
        foreach (var block in blocks)
            x = Run(extraOnly && block == blocks[^1] ? block.ExtraTokens : block.call, x); // (B, L + E, D)
        return x;
    }

    private protected override Tensor Extra()
    {
        return dist_token is null ? cls_token : cat([cls_token, dist_token], 1); // (1, E, D)
    }

    // The mean of both heads, in training too: the official code gives both then, for a teacher's loss, which is none
    // of ours.
    private protected override Tensor Score(Tensor extra) =>
        head_dist is null
            ? base.Score(extra)
            : (head!.call(extra.select(1, 0)) + head_dist.call(extra.select(1, 1))) / 2; // (B, classes)

    private protected override Tensor Normalize(Tensor tokens) => norm.call(tokens);

    /// <summary>
    /// Pre-norm block: x + attention(norm(x)), then x + mlp(norm(x)), each branch times its LayerScale where there is
    /// one.
    /// </summary>
    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly LayerNorm norm1;
        private readonly SelfAttention attn;
        private readonly LayerNorm norm2;
        private readonly Mlp mlp;
        private readonly DropPath drop_path;
        private readonly Parameter? gamma_1,
            gamma_2;
        private readonly int _extra;

        internal Block(VisionTransformerConfig config, double dropPath)
            : base(nameof(Block))
        {
            norm1 = nn.LayerNorm([config.EmbedDim], eps: 1e-6);
            attn = new SelfAttention(config);
            norm2 = nn.LayerNorm([config.EmbedDim], eps: 1e-6);
            mlp = new Mlp(config);
            drop_path = new DropPath(dropPath);
            _extra = config.ExtraTokens;
            if (config.LayerScale > 0)
                (gamma_1, gamma_2) = (Scale(), Scale());
            RegisterComponents();

            Parameter Scale() => new(full([config.EmbedDim], config.LayerScale));
        }

        public override Tensor forward(Tensor x) => Run(x, x.shape[1]);

        /// <summary>What the block makes of the tokens beside the patches: (B, L + E, D) to (B, E, D).</summary>
        internal Tensor ExtraTokens(Tensor x) => Run(x, _extra);

        private Tensor Run(Tensor x, long first)
        {
            using var scope = NewDisposeScope();
            var attended = Scaled(attn.Run(norm1.call(x), first), gamma_1); // (B, first, D)
            x = x.narrow(1, 0, first) + drop_path.call(attended); // (B, first, D)
            x = x + drop_path.call(Scaled(mlp.call(norm2.call(x)), gamma_2));
            return x.MoveToOuterDisposeScope();
        }

        private static Tensor Scaled(Tensor branch, Parameter? gamma) => gamma is null ? branch : branch * gamma;
    }

    private sealed class SelfAttention : nn.Module<Tensor, Tensor>
    {
        private readonly int _heads;
        private readonly Linear qkv,
            proj;

        internal SelfAttention(VisionTransformerConfig config)
            : base(nameof(SelfAttention))
        {
            _heads = config.Heads;
            qkv = Dense(config.EmbedDim, 3 * config.EmbedDim);
            proj = Dense(config.EmbedDim, config.EmbedDim);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => Run(x, x.shape[1]);

        /// <summary>The first tokens attend to all.</summary>
        internal Tensor Run(Tensor x, long first)
        {
            using var scope = NewDisposeScope();
            // 3 x (B, L, D)
            var parts = qkv.call(x).chunk(3, -1);
            var queries = parts[0].narrow(1, 0, first); // (B, first, D)
            var mixed = Attention.Scaled(Heads(queries), Heads(parts[1]), Heads(parts[2])); // (B, H, first, D / H)
            return proj.call(mixed.transpose(1, 2).flatten(2)).MoveToOuterDisposeScope(); // (B, first, D)
        }

        private Tensor Heads(Tensor tokens) => tokens.unflatten(2, _heads, tokens.shape[^1] / _heads).transpose(1, 2);
    }

    private sealed class Mlp : nn.Module<Tensor, Tensor>
    {
        private readonly Linear fc1,
            fc2;

        internal Mlp(VisionTransformerConfig config)
            : base(nameof(Mlp))
        {
            (fc1, fc2) = (Dense(config.EmbedDim, config.MlpDim), Dense(config.MlpDim, config.EmbedDim));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return fc2.call(nn.functional.gelu(fc1.call(x))).MoveToOuterDisposeScope(); // (B, L, D)
        }
    }

    private static Linear Dense(int inputs, int outputs)
    {
        var linear = nn.Linear(inputs, outputs);
        Initialize.TruncatedNormal(linear.weight);
        nn.init.zeros_(linear.bias!);
        return linear;
    }
}
