namespace PatchKit.Checkpoints;

/// <summary>A key whose tensor has another shape in the file than in the model.</summary>
/// <param name="Key">the name, such as "pos_embed".</param>
/// <param name="InFile">the shape in the file.</param>
/// <param name="InModel">the shape in the model.</param>
/// <param name="How">what was done about it, such as "resized bicubically" or "left as initialised".</param>
public sealed record ReshapedKey(string Key, IReadOnlyList<long> InFile, IReadOnlyList<long> InModel, string How)
{
    /// <summary>"pos_embed [1, 197, 192] -> [1, 785, 192], resized bicubically".</summary>
    public override string ToString() => $"{Words.Safe(Key)} {Words.Shape(InFile)} -> {Words.Shape(InModel)}, {How}";
}
