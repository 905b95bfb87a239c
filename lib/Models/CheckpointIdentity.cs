using System.Text.RegularExpressions;

namespace PatchKit.Models;

/// <summary>What model a checkpoint is of, read off the names and shapes of its tensors.</summary>
public static partial class CheckpointIdentity
{
    /// <summary>The configuration of a preset of <see cref="ModelZoo"/> at the checkpoint's input size, patch size and number of classes, with the preset's name; null where it is of no preset.</summary>
    /// <param name="shapes">the shapes of its tensors by name, as the official code names them. Inputs are taken for square.</param>
    public static (string Name, BackboneConfig Config)? Of(IReadOnlyDictionary<string, IReadOnlyList<long>> shapes)
    {
        if (!shapes.TryGetValue("patch_embed.proj.weight", out var patch) || patch is not [var width, 3, var side, _]) return null;
        if (!shapes.TryGetValue("pos_embed", out var positions) || positions is not [1, var tokens, _]) return null;
        if (!shapes.TryGetValue("head.weight", out var head) || head is not [var classes, _]) return null;
        int depth = shapes.Keys.Select(name => Block().Match(name)).Where(match => match.Success).Select(match => int.Parse(match.Groups[1].Value) + 1).DefaultIfEmpty().Max();
        bool mamba = shapes.Keys.Any(name => name.StartsWith("layers.", StringComparison.Ordinal));
        var preset = ModelZoo.Presets.FirstOrDefault(known => known.Config is AdventurerConfig == mamba && known.Config.EmbedDim == width && known.Config.Depth == depth);
        int rows = (int)Math.Round(Math.Sqrt(tokens - 1));
        if (preset is null || rows * rows != tokens - 1) return null;
        int input = rows * (int)side;
        return (preset.Name, preset.Config with { Height = input, Width = input, PatchSize = (int)side, Classes = (int)classes });
    }

    [GeneratedRegex(@"^(?:layers|blocks)\.(\d+)\.")]
    private static partial Regex Block();
}
