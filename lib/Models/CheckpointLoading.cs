using PatchKit.Patchify;

namespace PatchKit.Models;

/// <summary>
/// What loading may change about a checkpoint's tensors so that they fit a model of another input size, patch size or
/// class count.
/// </summary>
public sealed record CheckpointLoading
{
    /// <summary>How the position embedding goes to another grid.</summary>
    public PositionLoading Positions { get; init; } = PositionLoading.Correct;

    /// <summary>
    /// Whether a patch embedding of another patch size is resized (<see cref="PatchTransfer"/>); otherwise it is
    /// refused.
    /// </summary>
    public bool TransferPatchSize { get; init; }

    /// <summary>
    /// Whether a head for another number of classes is left as the model has it; otherwise it is refused.
    /// </summary>
    public bool KeepOwnHead { get; init; } = true;

    /// <summary>Whether missing and unexpected keys are refused; otherwise they are only reported.</summary>
    public bool Strict { get; init; } = true;

    /// <summary>
    /// The grid that the checkpoint's positions were learned on, where it is not square: a checkpoint does not say it.
    /// </summary>
    public PatchGrid? Grid { get; init; }

    /// <summary>What messages call these settings: by default the properties.</summary>
    internal LoadingWords Words { get; init; } = new();
}

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
