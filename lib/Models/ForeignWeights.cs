using System.Text.RegularExpressions;
using PatchKit.Checkpoints;

namespace PatchKit.Models;

/// <summary>Says what weights are that are of none of this kit's models, by names that give them away.</summary>
internal static class ForeignWeights
{
    private static readonly (Regex Mark, string What)[] s_kinds =
    [
        (
            Mark(@"decoder_embed\."),
            "a masked autoencoder before it was fine-tuned, which scores no classes; take weights that were "
                + "fine-tuned from it"
        ),
        (
            Mark(@"fc_norm\."),
            "a ViT that classifies by the mean of its patches, as MAE's and BEiT's fine-tuned ones do; "
                + "PatchKit's classifies by its class token"
        ),
        (
            Mark(@"relative_position_bias_table|rel_pos_bias|attn\.q_bias"),
            "a ViT with relative positions or a bias of its queries alone, as BEiT has it"
        ),
        (Mark(@"register_tokens|reg_token"), "a ViT with register tokens, as DINOv2 has them"),
        (Mark(@"blocks\.\d+\.(norm11|attn1)\."), "a ViT with parallel blocks"),
        (Mark(@"patch_embed\.proj\.\d+\."), "a ViT with a convolutional stem in place of a patch embedding"),
        (Mark(@"attn\.[qk]_norm\."), "a ViT that normalises queries and keys"),
        (Mark(@"blocks\.\d+\.mlp\.(w12|fc1_g|w3)\."), "a ViT with SwiGLU, as DINOv2's largest and EVA have it"),
        (
            Mark(@"embeddings\.(cls_token|patch_embeddings)|encoder\.layer\.\d+\."),
            "a model as Hugging Face's transformers name its parts; convert it to timm's names"
        ),
        (Mark(@"encoder_layer_\d+\.|conv_proj\."), "a ViT as torchvision names its parts; convert it to timm's names"),
        (Mark(@"transformer\.resblocks\."), "a CLIP, which scores no fixed classes"),
        (
            Mark(@"patch_embed\.projection\.|layers\.\d+\.ln1\."),
            "a ViT as OpenMMLab names its parts; convert it to timm's names"
        ),
        (
            Mark(@"A_b_log|conv1d_b\.|mixer\.x_proj\."),
            "a Vision Mamba on the mixer of Mamba-1; Adventurer's mixer is Mamba-2's"
        ),
        (
            Mark(@"(layer4\.\d+\.conv|stages\.\d+\.)"),
            "a convolutional or hierarchical network; PatchKit has plain encoders alone"
        ),
    ];

    /// <summary>
    /// "a ViT with parallel blocks (blocks.0.norm11.weight)", or null where no name gives a kind away.
    /// </summary>
    /// <param name="names">of the tensors that do not fit.</param>
    internal static string? Kind(IEnumerable<string> names)
    {
        var all = names.ToList();
        foreach (var (mark, what) in s_kinds)
            if (all.Find(mark.IsMatch) is { } name)
                return $"its {Words.Safe(name)} is of {what}";
        return null;
    }

    private static Regex Mark(string pattern) => new($@"(?:^|[._])(?:{pattern})", RegexOptions.CultureInvariant);
}
