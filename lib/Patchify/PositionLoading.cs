namespace PatchKit.Patchify;

/// <summary>How a checkpoint's position embedding is taken to another grid.</summary>
public enum PositionLoading
{
    /// <summary>The class token's position is the one that the model has for it.</summary>
    Correct,

    /// <summary>
    /// As the official --finetune code does: the first position is taken for the class token's. For Adventurer, whose
    /// class token is last, that keeps the first patch's position and interpolates the others shifted by one.
    /// </summary>
    OfficialShifted,
}
