using System.Text;

namespace PatchKit.Checkpoints;

/// <summary>What became of each key when a file was loaded into a model.</summary>
/// <param name="Source">the file, and the part of it, such as "deit.pth (model_ema)".</param>
public sealed record LoadReport(string Source)
{
    private const int Shown = 8;

    /// <summary>In both with the same shape; copied.</summary>
    public IReadOnlyList<KeyShape> Matched { get; init; } = [];

    /// <summary>In the model but not in the file, with the model's shapes; left as initialised.</summary>
    public IReadOnlyList<KeyShape> Missing { get; init; } = [];

    /// <summary>In the file but not in the model, with the file's shapes; not used.</summary>
    public IReadOnlyList<KeyShape> Unexpected { get; init; } = [];

    /// <summary>In both with different shapes.</summary>
    public IReadOnlyList<ReshapedKey> Reshaped { get; init; } = [];

    /// <summary>
    /// What was done to the names, and which part of the file was taken: "module. taken off the names".
    /// </summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Whether every key of the one is in the other with the same shape.</summary>
    public bool IsExact => Missing.Count + Unexpected.Count + Reshaped.Count == 0;

    /// <summary>Itself where every key matched.</summary>
    /// <exception cref="CheckpointException">A key is missing, unexpected or of another shape; the message says
    /// which.</exception>
    public LoadReport ExpectExact() =>
        IsExact
            ? this
            : throw new CheckpointException(
                Source,
                $"does not fit the model exactly: {Text()}\nChoose the model it was saved from, or load it "
                    + "without asking for an exact fit."
            );

    /// <summary>
    /// "deit.pth: 150 matched, 1 missing, 0 unexpected, 1 reshaped", then the keys that did not match, the first eight
    /// of each kind.
    /// </summary>
    public override string ToString() => $"{Source}: {Text()}";

    private string Text()
    {
        var text = new StringBuilder(
            $"{Matched.Count} matched, {Missing.Count} missing, {Unexpected.Count} "
                + $"unexpected, {Reshaped.Count} reshaped"
        );
        foreach (string note in Notes)
            text.Append($"\n  {"note", -10}  {note}");
        List(text, "missing", Missing);
        List(text, "unexpected", Unexpected);
        List(text, "reshaped", Reshaped);
        return text.ToString();
    }

    private static void List<T>(StringBuilder text, string kind, IReadOnlyList<T> keys)
    {
        foreach (var key in keys.Take(Shown))
            text.Append($"\n  {kind, -10}  {key}");
        if (keys.Count > Shown)
            text.Append($"\n  {kind, -10}  and {keys.Count - Shown} more");
    }
}

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

/// <summary>A key of a state dictionary and its tensor's shape.</summary>
/// <param name="Key">the name, such as "blocks.0.attn.qkv.weight".</param>
/// <param name="Shape">the sizes of all dimensions.</param>
public sealed record KeyShape(string Key, IReadOnlyList<long> Shape)
{
    /// <summary>"head.weight [1000, 192]".</summary>
    public override string ToString() => $"{Words.Safe(Key)} {Words.Shape(Shape)}";
}
