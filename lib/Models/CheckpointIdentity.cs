using System.Text.RegularExpressions;

namespace PatchKit.Models;

/// <summary>What model a checkpoint is of, read off the names and shapes of its tensors.</summary>
public static partial class CheckpointIdentity
{
    /// <summary>
    /// The configuration of a preset of <see cref="ModelZoo"/> at the checkpoint's input size, patch size and number of
    /// classes, with the preset's name; null where it is of no preset.
    /// </summary>
    /// <param name="shapes">the shapes of its tensors by name, also by names that <see cref="OfficialNames"/> makes
    /// official. Inputs are taken for square.</param>
    public static (string Name, BackboneConfig Config)? Of(IReadOnlyDictionary<string, IReadOnlyList<long>> shapes)
    {
        shapes = OfficialNames.Of(shapes).Tensors;
        if (!shapes.TryGetValue("patch_embed.proj.weight", out var patch) || patch is not [var width, 3, var side, _])
            return null;
        if (!shapes.TryGetValue("pos_embed", out var positions) || positions is not [1, var tokens, _])
            return null;
        if (!shapes.TryGetValue("head.weight", out var head) || head is not [var classes, _])
            return null;
        int depth = shapes
            .Keys.Select(name => Block().Match(name))
            .Where(match => match.Success)
            .Select(match => int.Parse(match.Groups[1].Value) + 1)
            .DefaultIfEmpty()
            .Max();
        bool mamba = shapes.Keys.Any(name => name.StartsWith("layers.", StringComparison.Ordinal));
        var preset = ModelZoo.Presets.FirstOrDefault(known =>
            known.Config is AdventurerConfig == mamba && known.Config.EmbedDim == width && known.Config.Depth == depth
        );
        if (preset is null)
            return null;
        var config = Variant(preset.Config, shapes);
        if (SquareSide(tokens - config.ExtraPositions) is not { } rows)
            return null;
        int input = rows * (int)side;
        return (
            preset.Name,
            config with
            {
                Height = input,
                Width = input,
                PatchSize = (int)side,
                Classes = (int)classes,
            }
        );
    }

    /// <summary>
    /// A configuration as the checkpoint has it where DeiTs differ: a distilled one by its dist_token, DeiT-III by its
    /// gamma_1 and by positions of the patches alone.
    /// </summary>
    /// <param name="config">the configuration; an Adventurer's is given back as it is.</param>
    /// <param name="shapes">the shapes of its tensors by the official names.</param>
    public static BackboneConfig Variant(BackboneConfig config, IReadOnlyDictionary<string, IReadOnlyList<long>> shapes)
    {
        if (config is not VisionTransformerConfig vit)
            return config;
        bool distilled = shapes.ContainsKey("dist_token"),
            scaled = shapes.ContainsKey("blocks.0.gamma_1");
        bool patchesAlone =
            shapes.TryGetValue("pos_embed", out var positions)
            && positions is [1, var count, _]
            && SquareSide(count - (distilled ? 2 : 1)) is null
            && SquareSide(count) is not null;
        return vit with
        {
            Distilled = distilled,
            NoEmbedClass = patchesAlone,
            LayerScale =
                !scaled ? 0
                : vit.LayerScale > 0 ? vit.LayerScale
                : UsualLayerScale,
        };
    }

    /// <summary>
    /// "a distilled DeiT (a second token and head, whose scores are averaged)"; null for a plain model.
    /// </summary>
    internal static string? VariantName(BackboneConfig config) =>
        config is not VisionTransformerConfig vit || vit is { Distilled: false, NoEmbedClass: false, LayerScale: 0 }
            ? null
            : string.Join(
                ", ",
                [
                    .. vit.Distilled
                        ? ["a distilled DeiT (a second token and head; the mean of both heads scores)"]
                        : Array.Empty<string>(),
                    .. vit is { NoEmbedClass: true, LayerScale: > 0 }
                        ? ["DeiT-III (LayerScale, and positions of the patches alone)"]
                    : vit.NoEmbedClass ? ["a ViT with positions of the patches alone"]
                    : vit.LayerScale > 0 ? ["a ViT with LayerScale"]
                    : Array.Empty<string>(),
                ]
            );

    /// <summary>The side of a square of so many patches; null where they make none.</summary>
    internal static int? SquareSide(long patches) =>
        patches > 0 && Math.Round(Math.Sqrt(patches)) is var side && side * side == patches ? (int)side : null;

    // DeiT-III's; weights that are loaded replace it.
    private const double UsualLayerScale = 1e-4;

    [GeneratedRegex(@"^(?:layers|blocks)\.(\d+)\.")]
    private static partial Regex Block();
}
