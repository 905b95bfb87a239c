using PatchKit.ScalingLaws;

namespace PatchKit.Models;

/// <summary>An Adventurer (Wang et al. 2024, arXiv 2410.07599). Defaults are Adventurer-Base's (Table 7).</summary>
public sealed record AdventurerConfig : BackboneConfig
{
    /// <summary>The dimension of a head of the scan, p.</summary>
    public int HeadDim { get; init; } = 64;

    /// <summary>The dimension of the scan's state, n.</summary>
    public int StateDim { get; init; } = 64;

    /// <summary>Groups of heads that share B and C.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>The width of the mixer over the token dimension.</summary>
    public int Expand { get; init; } = 2;

    /// <summary>The width of the causal convolution.</summary>
    public int ConvWidth { get; init; } = 4;

    /// <summary>The width of the SwiGLU's hidden layer over the token dimension.</summary>
    public double MlpRatio { get; init; } = 2.5;

    /// <summary>The width of the mixer.</summary>
    public int InnerDim => Expand * EmbedDim;

    /// <summary>The width of the SwiGLU's hidden layer.</summary>
    public int MlpDim => (int)(EmbedDim * MlpRatio);

    /// <summary>
    /// Which blocks read the patches in reverse; released weights need <see cref="FlipSchedule.Official"/>.
    /// </summary>
    public FlipSchedule Flips { get; init; } = FlipSchedule.Official;

    /// <summary>Whether block n reads the patches in reverse.</summary>
    public bool FlipsBlock(int n) =>
        Flips switch
        {
            FlipSchedule.Official => n / 2 == 1,
            FlipSchedule.EveryTwoBlocks => n / 2 % 2 == 1,
            _ => n % 2 == 1,
        };

    /// <inheritdoc/>
    public override CostModel Cost() =>
        new MambaCost
        {
            Pixels = (long)Height * Width,
            PatchSize = PatchSize,
            Tokens = TokenGrid.Count,
            EmbedDim = EmbedDim,
            Depth = Depth,
            Classes = Classes,
            InnerDim = InnerDim,
            HeadDim = HeadDim,
            StateDim = StateDim,
            Groups = Groups,
            ConvWidth = ConvWidth,
            MlpDim = MlpDim,
        };

    private protected override Backbone New() => new Adventurer(this);
}
