namespace PatchKit.Models;

/// <summary>
/// What messages about loading name as the way out: the library's properties, or what a command calls them.
/// </summary>
/// <param name="Transfer">how a patch embedding is resized.</param>
/// <param name="Partial">how what fits is taken.</param>
/// <param name="Grid">how a grid that is not square is told.</param>
/// <param name="Model">how a model of other widths is chosen.</param>
internal sealed record LoadingWords(
    string Transfer = "load with TransferPatchSize = true, or make the model for the checkpoint's patch size",
    string Partial = "Load with Strict = false to take what fits",
    string Grid = "tell their grid by CheckpointLoading.Grid",
    string Model = "make the model with the checkpoint's widths"
);
