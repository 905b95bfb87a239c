using PatchKit.Patchify;
using PatchKit.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>
/// The plain encoder that both families share (section 3.1): patchification, position embeddings, blocks that keep
/// length and width, a class token. Parameter names, shapes and initialisation are those of the official checkpoints.
/// </summary>
public abstract class Backbone : nn.Module<Tensor, Tensor>
{
    private protected readonly Parameter cls_token,
        pos_embed;
    private protected readonly PatchEmbed patch_embed;
    private protected readonly Linear? head;
    private Action<Tensor>? _watch;

    private protected Backbone(string name, BackboneConfig config)
        : base(name)
    {
        Config = config;
        cls_token = Initialize.Parameter(Initialize.TruncatedNormal(zeros([1, 1, config.EmbedDim])));
        pos_embed = Initialize.Parameter(
            Initialize.TruncatedNormal(zeros([1, config.TokenGrid.Count + config.ExtraPositions, config.EmbedDim]))
        );
        patch_embed = new PatchEmbed(config.PatchSize, config.EmbedDim);
        if (config.Classes > 0)
        {
            head = nn.Linear(config.EmbedDim, config.Classes);
            Initialize.TruncatedNormal(head.weight);
            nn.init.zeros_(head.bias!);
        }
        // Before the blocks, which the derived class has: the order of the official state dict, by which its
        // optimizer's state is numbered.
        register_module(nameof(patch_embed), patch_embed);
    }

    /// <summary>What the model was made of.</summary>
    public BackboneConfig Config { get; }

    /// <summary>Where the class token stands.</summary>
    public abstract ClsToken Cls { get; }

    /// <summary>Images (B, 3, H, W) to class scores (B, classes).</summary>
    /// <exception cref="ArgumentException">The images are not of the model's size.</exception>
    /// <exception cref="InvalidOperationException">The model has no classes; it gives features alone.</exception>
    public override Tensor forward(Tensor images)
    {
        if (head is null)
            throw new InvalidOperationException(
                "the model was made with 0 classes and so scores none; use Features, or make it with classes."
            );
        using var scope = NewDisposeScope();
        Whole(images);
        var extra = Encode(Tokenize(images), extraOnly: true); // (B, E, D)
        return Score(Normalize(extra)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Images (B, 3, H, W) to normalised dense tokens and the class token. Images may be of another size than the
    /// model's: the learned positions are then interpolated to their grid, as dense prediction does it.
    /// </summary>
    /// <exception cref="ArgumentException">The patch size does not divide the images.</exception>
    public DenseFeatures Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        var tokens = Normalize(Encode(Tokenize(images), extraOnly: false)); // (B, L + E, D)
        long length = tokens.shape[1] - Config.ExtraTokens;
        var patches = tokens.narrow(1, Cls == ClsToken.First ? Config.ExtraTokens : 0, length);
        var cls = tokens.select(1, Cls == ClsToken.First ? 0 : length);
        return new DenseFeatures(patches.MoveToOuterDisposeScope(), cls.MoveToOuterDisposeScope(), TokensOf(images));
    }

    /// <summary>
    /// The blocks: (B, L + E, D) to the same shape, or to the tokens beside the patches (B, E, D) alone. The head reads
    /// no others, so that the last block need not compute them: in a net of two blocks almost half of the work.
    /// </summary>
    private protected abstract Tensor Encode(Tensor tokens, bool extraOnly);

    /// <summary>The tokens beside the patches, (1, E, D).</summary>
    private protected virtual Tensor Extra() => cls_token;

    /// <summary>What those tokens, normalised, (B, E, D), say of the classes: (B, classes).</summary>
    private protected virtual Tensor Score(Tensor extra) => head!.call(extra.squeeze(1));

    /// <summary>The norm after the last block.</summary>
    private protected abstract Tensor Normalize(Tensor tokens);

    /// <summary>
    /// Where the numbers of a forward pass first stop being finite: "the patch embedding", "block 3", "the head"; null
    /// where they never do.
    /// </summary>
    /// <exception cref="ArgumentException">The images are not of the model's size, or, where it has no classes, the
    /// patch size does not divide them.</exception>
    public string? FirstNonFinite(Tensor images)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        int block = 0;
        string? found = null;
        _watch = tokens => Look(tokens, $"block {block++}");
        try
        {
            Look(images, "the images");
            Look(Tokenize(images), "the patch embedding");
            if (head is not null)
                Look(forward(images), "the head");
            else
                Look(Features(images).Tokens, "the last norm");
        }
        finally
        {
            _watch = null;
        }
        return found;

        void Look(Tensor values, string name)
        {
            if (found is null && !values.isfinite().all().item<bool>())
                found = name;
        }
    }

    /// <summary>Runs a block, recomputing it in the backward pass where the configuration asks for that.</summary>
    private protected Tensor Run(Func<Tensor, Tensor> block, Tensor tokens)
    {
        var after =
            Config.Checkpointing && training && is_grad_enabled()
                ? Engine.CheckpointActivations(block, tokens)
                : block(tokens);
        _watch?.Invoke(after);
        return after;
    }

    private void Whole(Tensor images)
    {
        if (
            images.ndim != 4
            || images.shape[1] != 3
            || images.shape[2] != Config.Height
            || images.shape[3] != Config.Width
        )
            throw new ArgumentException(
                $"images of shape [{string.Join(", ", images.shape)}] were given, but the model takes [B, "
                    + $"3, {Config.Height}, {Config.Width}]; resize them, or make the model for their size."
            );
    }

    private PatchGrid TokensOf(Tensor images) =>
        PatchGrid.Of((int)images.shape[2], (int)images.shape[3], Config.TokenPatchSize ?? Config.PatchSize);

    private Tensor Tokenize(Tensor images)
    {
        if (images.ndim != 4 || images.shape[1] != 3)
            throw new ArgumentException(
                $"images of shape [{string.Join(", ", images.shape)}] were given, but the model takes [B, 3, H, W]."
            );
        PatchGrid cut = PatchGrid.Of((int)images.shape[2], (int)images.shape[3], Config.PatchSize),
            grid = TokensOf(images);
        var positions =
            grid == Config.TokenGrid
                ? pos_embed
                : PositionEmbedding.Resize(pos_embed, Config.TokenGrid, grid, Cls, Config.ExtraPositions);
        var patches = TokenExtension.Extend(patch_embed.call(images), cut, grid); // (B, L, D)
        var extra = Extra().expand(images.shape[0], -1, -1); // (B, E, D)
        return Config.ExtraPositions == 0 ? Joined(patches + positions) : Joined(patches) + positions; // (B, L + E, D)

        Tensor Joined(Tensor patches) => cat(Cls == ClsToken.First ? [extra, patches] : [patches, extra], 1);
    }
}

/// <summary>What a backbone makes of images: a token for each patch, and one for the whole.</summary>
/// <param name="Tokens">(B, L, D), row by row.</param>
/// <param name="Cls">(B, D): the class token.</param>
/// <param name="Grid">the patches' rows and columns.</param>
public sealed record DenseFeatures(Tensor Tokens, Tensor Cls, PatchGrid Grid)
{
    /// <summary>The tokens as a feature map (B, D, rows, columns).</summary>
    public Tensor Map() => Tokens.transpose(1, 2).reshape(Tokens.shape[0], -1, Grid.Rows, Grid.Columns);
}
