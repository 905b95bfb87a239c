using System.Text.Json.Serialization;
using static PatchKit.Models.AutocastBytes;
using static TorchSharp.torch;

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

    /// <summary>What the decoder, the auxiliary head and their enlarged scores take for one training image.</summary>
    /// <param name="backbone">the encoder, at the size of the images.</param>
    /// <param name="classes">how many classes a pixel may have.</param>
    internal HeadCost Cost(BackboneConfig backbone, int classes)
    {
        using var scope = NewDisposeScope();
        using var decoder = Create(backbone, classes);
        using var auxiliary = Auxiliary ? new FcnHead(backbone.EmbedDim, classes) : null;
        SegmentationHead[] heads = auxiliary is null ? [decoder] : [decoder, auxiliary];
        var (rows, columns) = (backbone.TokenGrid.Rows, backbone.TokenGrid.Columns);
        double scores = (double)classes * backbone.Height * backbone.Width * (heads.Length * Score + ScoreGradients);
        return new(
            heads.Sum(head => head.parameters().Sum(parameter => parameter.numel())),
            heads.Sum(head => head.Macs(rows, columns)),
            heads.Sum(head => head.ActivationBytes(rows, columns)) + scores
        );
    }

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
