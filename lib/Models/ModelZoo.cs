namespace PatchKit.Models;

/// <summary>The models of Table 7.</summary>
public static class ModelZoo
{
    private const string HugeNote = "Table 7 says 759M; the configuration it states counts 718,033,640";

    /// <summary>All presets, in the table's order.</summary>
    public static IReadOnlyList<ModelPreset> Presets { get; } =
    [
        new(
            "deit-tiny",
            new VisionTransformerConfig
            {
                EmbedDim = 192,
                Depth = 12,
                Heads = 3,
            },
            "5M"
        ),
        new(
            "deit-small",
            new VisionTransformerConfig
            {
                EmbedDim = 384,
                Depth = 12,
                Heads = 6,
            },
            "22M"
        ),
        new(
            "deit-base",
            new VisionTransformerConfig
            {
                EmbedDim = 768,
                Depth = 12,
                Heads = 12,
            },
            "86M"
        ),
        new(
            "deit-large",
            new VisionTransformerConfig
            {
                EmbedDim = 1024,
                Depth = 24,
                Heads = 16,
            },
            "304M"
        ),
        new(
            "deit-huge",
            new VisionTransformerConfig
            {
                EmbedDim = 1280,
                Depth = 32,
                Heads = 16,
            },
            "631M"
        ),
        new("adventurer-tiny", new AdventurerConfig { EmbedDim = 256, Depth = 12 }, "12M"),
        new("adventurer-small", new AdventurerConfig { EmbedDim = 512, Depth = 12 }, "44M"),
        new("adventurer-base", new AdventurerConfig { EmbedDim = 768, Depth = 12 }, "99M"),
        new("adventurer-large", new AdventurerConfig { EmbedDim = 1024, Depth = 24 }, "346M"),
        new("adventurer-huge", new AdventurerConfig { EmbedDim = 1280, Depth = 32 }, "759M", HugeNote),
    ];

    /// <summary>A preset by name.</summary>
    /// <exception cref="ArgumentException">There is no such preset.</exception>
    public static ModelPreset Find(string name) =>
        Presets.FirstOrDefault(p => p.Name == name)
        ?? throw new ArgumentException(
            $"there is no model \"{name}\"; choose one of {string.Join(", ", Presets.Select(p => p.Name))}."
        );
}

/// <summary>A named model of Table 7.</summary>
/// <param name="Name">the name on the command line, such as "adventurer-base".</param>
/// <param name="Config">its widths and depth, at 224 x 224 pixels and patch size 16.</param>
/// <param name="PaperParameters">the parameter count that Table 7 prints.</param>
/// <param name="Note">where the count disagrees with the configuration, why.</param>
public sealed record ModelPreset(string Name, BackboneConfig Config, string PaperParameters, string Note = "")
{
    /// <summary>Makes the model, in training mode.</summary>
    /// <param name="configure">changes to the configuration, such as the patch size.</param>
    public Backbone Create(Func<BackboneConfig, BackboneConfig>? configure = null) =>
        (configure?.Invoke(Config) ?? Config).Create();
}
