using PatchKit.Models;

namespace PatchKit.Experiments.Tables;

/// <summary>Two models over patch sizes.</summary>
/// <param name="Title">what a report calls them.</param>
/// <param name="Vit">the transformer; images and patches are set.</param>
/// <param name="Adventurer">the other.</param>
/// <param name="Input">the side of the images.</param>
/// <param name="Patches">the largest first.</param>
internal sealed record CostSetting(
    string Title,
    BackboneConfig Vit,
    BackboneConfig Adventurer,
    int Input,
    int[] Patches
)
{
    /// <summary>Whether the images are of the paper's size.</summary>
    internal bool IsPapers => Input == 224;
}
