namespace PatchKit.Models;

/// <summary>A named model of Table 7.</summary>
/// <param name="Name">The name on the command line, such as "adventurer-base".</param>
/// <param name="Config">Its widths and depth, at 224 x 224 pixels and patch size 16.</param>
/// <param name="PaperParameters">The parameter count that Table 7 prints.</param>
/// <param name="Note">Where the count disagrees with the configuration, why.</param>
public sealed record ModelPreset(string Name, BackboneConfig Config, string PaperParameters, string Note = "")
{
    /// <summary>Makes the model, in training mode.</summary>
    /// <param name="configure">Changes to the configuration, such as the patch size.</param>
    public Backbone Create(Func<BackboneConfig, BackboneConfig>? configure = null) =>
        (configure?.Invoke(Config) ?? Config).Create();
}
