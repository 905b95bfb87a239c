using PatchKit.Ops;
using PatchKit.Patchify;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>The plain Vision Transformer of DeiT (Touvron et al. 2021; timm 0.4.12), with state-dict names as the official checkpoints have them.</summary>
public sealed class VisionTransformer : Backbone
{
    private readonly ModuleList<Block> blocks;
    private readonly LayerNorm norm;

    /// <summary>A ViT, initialised as timm 0.4.12 does.</summary>
    /// <exception cref="ArgumentException">The patch size does not divide the image, or the heads do not divide the width.</exception>
    public VisionTransformer(VisionTransformerConfig config) : base(nameof(VisionTransformer), config)
    {
        if (config.EmbedDim % config.Heads != 0)
            throw new ArgumentException($"{config.Heads} heads do not divide the embedding dimension {config.EmbedDim}; use a divisor of it.");
        double[] rates = Models.DropPath.DeitRates(config.DropPath, config.Depth);
        blocks = new ModuleList<Block>([.. rates.Select(rate => new Block(config, rate))]);
        norm = nn.LayerNorm([config.EmbedDim], eps: 1e-6);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override ClsToken Cls => ClsToken.First;

    private protected override Tensor Encode(Tensor x, bool clsOnly)
    {
        foreach (var block in blocks) x = Run(clsOnly && block == blocks[^1] ? block.ClassToken : block.call, x);   // (B, L + 1, D)
        return x;
    }

    private protected override Tensor Normalize(Tensor tokens) => norm.call(tokens);

    /// <summary>Pre-norm block: x + attention(norm(x)), then x + mlp(norm(x)).</summary>
    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly LayerNorm norm1;
        private readonly SelfAttention attn;
        private readonly LayerNorm norm2;
        private readonly Mlp mlp;
        private readonly DropPath drop_path;

        internal Block(VisionTransformerConfig config, double dropPath) : base(nameof(Block))
        {
            norm1 = nn.LayerNorm([config.EmbedDim], eps: 1e-6);
            attn = new SelfAttention(config);
            norm2 = nn.LayerNorm([config.EmbedDim], eps: 1e-6);
            mlp = new Mlp(config);
            drop_path = new DropPath(dropPath);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => Run(x, clsOnly: false);

        /// <summary>What the block makes of the class token: (B, L + 1, D) to (B, 1, D).</summary>
        internal Tensor ClassToken(Tensor x) => Run(x, clsOnly: true);

        private Tensor Run(Tensor x, bool clsOnly)
        {
            using var scope = NewDisposeScope();
            x = (clsOnly ? x.narrow(1, 0, 1) : x) + drop_path.call(attn.Run(norm1.call(x), clsOnly));        // (B, L or 1, D)
            x = x + drop_path.call(mlp.call(norm2.call(x)));
            return x.MoveToOuterDisposeScope();
        }
    }

    private sealed class SelfAttention : nn.Module<Tensor, Tensor>
    {
        private readonly int _heads;
        private readonly Linear qkv, proj;

        internal SelfAttention(VisionTransformerConfig config) : base(nameof(SelfAttention))
        {
            _heads = config.Heads;
            qkv = Dense(config.EmbedDim, 3 * config.EmbedDim);
            proj = Dense(config.EmbedDim, config.EmbedDim);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => Run(x, clsOnly: false);

        /// <summary>All tokens attend to all, or the first one alone does.</summary>
        internal Tensor Run(Tensor x, bool clsOnly)
        {
            using var scope = NewDisposeScope();
            var parts = qkv.call(x).chunk(3, -1);                                                            // 3 x (B, L, D)
            var queries = clsOnly ? parts[0].narrow(1, 0, 1) : parts[0];                                     // (B, L or 1, D)
            var mixed = Attention.Scaled(Heads(queries), Heads(parts[1]), Heads(parts[2]));                  // (B, H, L or 1, D / H)
            return proj.call(mixed.transpose(1, 2).flatten(2)).MoveToOuterDisposeScope();                    // (B, L or 1, D)
        }

        private Tensor Heads(Tensor tokens) => tokens.unflatten(2, _heads, tokens.shape[^1] / _heads).transpose(1, 2);
    }

    private sealed class Mlp : nn.Module<Tensor, Tensor>
    {
        private readonly Linear fc1, fc2;

        internal Mlp(VisionTransformerConfig config) : base(nameof(Mlp))
        {
            (fc1, fc2) = (Dense(config.EmbedDim, config.MlpDim), Dense(config.MlpDim, config.EmbedDim));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return fc2.call(nn.functional.gelu(fc1.call(x))).MoveToOuterDisposeScope();                      // (B, L, D)
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
