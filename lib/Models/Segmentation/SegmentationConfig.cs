using System.Text.Json.Serialization;

namespace PatchKit.Models.Segmentation;

/// <summary>What stands on the backbone of a segmentation model (section 3.2, Table 2).</summary>
public sealed record SegmentationConfig
{
    /// <summary>
    /// The width with which UperNet's parameters come to Table 2's difference for both models: 17M - 12M for
    /// Adventurer-T, 112M - 99M for Adventurer-B. The paper prints no width.
    /// </summary>
    public const int PaperChannels = 192;

    /// <summary>The decoder.</summary>
    public DecoderKind Decoder { get; init; }

    /// <summary>The width of UperNet; the linear layer has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Channels { get; init; }

    /// <summary>
    /// Whether an auxiliary FCN head is trained beside the decoder and dropped afterwards, as is usual with UperNet.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Auxiliary { get; init; }

    /// <summary>The table's "None": one linear layer.</summary>
    public static SegmentationConfig Linear { get; } = new();

    /// <summary>UperNet.</summary>
    /// <param name="channels">its width.</param>
    public static SegmentationConfig UperNet(int channels = PaperChannels) =>
        new() { Decoder = DecoderKind.UperNet, Channels = channels };

    /// <summary>Makes the decoder for a backbone, its weights drawn from the default generator.</summary>
    /// <exception cref="ArgumentException">UperNet has no width.</exception>
    internal SegmentationHead Create(BackboneConfig backbone, int classes) =>
        Decoder == DecoderKind.Linear
            ? new LinearSegmentationHead(backbone.EmbedDim, classes)
            : new UperNet(backbone.EmbedDim, backbone.TokenPatchSize ?? backbone.PatchSize, classes, Channels);

    /// <summary>"linear", "UperNet" or "UperNet with an auxiliary head".</summary>
    public override string ToString() =>
        $"{(Decoder == DecoderKind.Linear ? "linear" : "UperNet")}{(Auxiliary ? " with an auxiliary head" : "")}";
}

/// <summary>What stands between the dense tokens and the class of each pixel (Table 2, column "Decoder").</summary>
public enum DecoderKind
{
    /// <summary>One linear projection: the table's "None".</summary>
    Linear,

    /// <summary>UperNet (Xiao et al. 2018): pyramid pooling and a feature pyramid.</summary>
    UperNet,
}
