namespace PatchKit.Checkpoints;

/// <summary>A key of a state dictionary and its tensor's shape.</summary>
/// <param name="Key">the name, such as "blocks.0.attn.qkv.weight".</param>
/// <param name="Shape">the sizes of all dimensions.</param>
public sealed record KeyShape(string Key, IReadOnlyList<long> Shape)
{
    /// <summary>"head.weight [1000, 192]".</summary>
    public override string ToString() => $"{Words.Safe(Key)} {Words.Shape(Shape)}";
}
