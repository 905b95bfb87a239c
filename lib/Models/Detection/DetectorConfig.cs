namespace PatchKit.Models.Detection;

/// <summary>
/// A Cascade Mask R-CNN on a plain backbone. Defaults are those of ViTDet (Li et al. 2022, "Exploring plain vision
/// transformer backbones for object detection"; its configuration in Detectron2), with the cascade's loss weights as
/// mmdetection has them: the paper says no more than "a Cascade Mask R-CNN".
/// </summary>
public sealed record DetectorConfig
{
    // ---- simple feature pyramid ------------------------------------------------------------------------

    /// <summary>Channels of every level.</summary>
    public int Dim { get; init; } = 256;

    /// <summary>
    /// The levels' strides in pixels, the finest first; empty for 4 to 32, and finer ones down to the patch where that
    /// is finer.
    /// </summary>
    public IReadOnlyList<int> Strides { get; init; } = [];

    // ---- region proposals ------------------------------------------------------------------------------

    /// <summary>An anchor's side in strides of its level: the root of its area.</summary>
    public double AnchorScale { get; init; } = 8;

    /// <summary>Anchors' heights over their widths.</summary>
    public IReadOnlyList<double> AnchorAspects { get; init; } = [.5, 1, 2];

    /// <summary>3 x 3 convolutions before the proposals' scores and deltas.</summary>
    public int ProposalConvolutions { get; init; } = 2;

    /// <summary>An anchor that overlaps an object at least so much is to find it.</summary>
    public double AnchorPositive { get; init; } = .7;

    /// <summary>An anchor that overlaps no object so much is background.</summary>
    public double AnchorNegative { get; init; } = .3;

    /// <summary>Anchors of an image that a step learns from, half of them positive where there are as many.</summary>
    public int AnchorsPerImage { get; init; } = 256;

    /// <summary>The best anchors of each level that suppression starts from, in training.</summary>
    public int TrainingCandidates { get; init; } = 2000;

    /// <summary>Proposals of an image, in training.</summary>
    public int TrainingProposals { get; init; } = 1000;

    /// <summary>The best anchors of each level that suppression starts from, in tests.</summary>
    public int TestCandidates { get; init; } = 1000;

    /// <summary>Proposals of an image, in tests.</summary>
    public int TestProposals { get; init; } = 1000;

    /// <summary>Proposals that overlap a better one more are dropped.</summary>
    public double ProposalOverlap { get; init; } = .7;

    // ---- regions ---------------------------------------------------------------------------------------

    /// <summary>Regions of an image that a step learns from.</summary>
    public int RegionsPerImage { get; init; } = 512;

    /// <summary>The greatest share of them that shows an object.</summary>
    public double PositiveShare { get; init; } = .25;

    /// <summary>
    /// Copies of each object's box, shifted and scaled by up to a quarter, that are added to the proposals in training:
    /// small nets propose little at first.
    /// </summary>
    public int Jittered { get; init; }

    /// <summary>
    /// The cascade: overlap from which a region shows an object, and the weights of its deltas (x and y; width and
    /// height) and of its loss.
    /// </summary>
    public IReadOnlyList<CascadeStep> Cascade { get; init; } =
    [new(.5, 10, 5, 1), new(.6, 20, 10, .5), new(.7, 30, 15, .25)];

    /// <summary>Bins of a region, for its box.</summary>
    public int BoxBins { get; init; } = 7;

    /// <summary>3 x 3 convolutions of a stage.</summary>
    public int BoxConvolutions { get; init; } = 4;

    /// <summary>Linear layers of a stage after them.</summary>
    public int BoxLayers { get; init; } = 1;

    /// <summary>The width of a stage's linear layers.</summary>
    public int BoxDim { get; init; } = 1024;

    /// <summary>Bins of a region, for its mask; the mask has twice as many.</summary>
    public int MaskBins { get; init; } = 14;

    /// <summary>3 x 3 convolutions of the mask head.</summary>
    public int MaskConvolutions { get; init; } = 4;

    /// <summary>Whether one mask serves all classes.</summary>
    public bool OneMask { get; init; }

    /// <summary>Samples along a side of each bin; 0 for as many as the bin has cells.</summary>
    public int Samples { get; init; }

    /// <summary>Where the box loss goes over from squares to differences: smooth L1; 0 for L1.</summary>
    public double Beta { get; init; }

    /// <summary>
    /// Whether a linear map on the finest level also tells each pixel's class: for pre-training a small net through its
    /// pyramid.
    /// </summary>
    public bool Pixels { get; init; }

    // ---- results ---------------------------------------------------------------------------------------

    /// <summary>The least score of a result.</summary>
    public double LeastScore { get; init; } = .05;

    /// <summary>Results that overlap a better one of their class more are dropped.</summary>
    public double ResultOverlap { get; init; } = .5;

    /// <summary>Results of an image.</summary>
    public int MostResults { get; init; } = 100;

    /// <summary>The strides of the levels for a patch size.</summary>
    public IReadOnlyList<int> StridesFor(int patchSize) =>
        Strides.Count > 0
            ? Strides
            : [.. new[] { 1, 2, 4, 8, 16, 32 }.Where(stride => stride >= Math.Min(4, patchSize))];

    /// <summary>Itself, where every setting is in its range.</summary>
    /// <exception cref="ArgumentException">One is not; the message names it.</exception>
    public DetectorConfig Checked()
    {
        Require(Dim >= 1 && BoxDim >= 1, $"widths of {Dim} and {BoxDim} hold nothing; use 1 or more");
        Require(
            AnchorScale > 0 && AnchorAspects.Count > 0 && AnchorAspects.All(aspect => aspect > 0),
            $"anchors of {AnchorScale} strides in {AnchorAspects.Count} forms find nothing; give a scale "
                + "and aspects above 0"
        );
        Require(
            AnchorNegative <= AnchorPositive,
            $"anchors below an overlap of {AnchorNegative} are to be background, but from {AnchorPositive} "
                + "on objects; let the first be the lower one"
        );
        Require(
            AnchorsPerImage >= 1 && RegionsPerImage >= 1 && TrainingProposals >= 1 && TestProposals >= 1,
            $"{AnchorsPerImage} anchors, {RegionsPerImage} regions and {TrainingProposals} "
                + $"or {TestProposals} proposals teach nothing; use 1 or more of each"
        );
        Require(
            PositiveShare is > 0 and <= 1,
            $"a positive share of {PositiveShare} was asked for; use above 0 and at most 1"
        );
        Require(Cascade.Count >= 1, "a cascade of no stage finds nothing; give at least one");
        Require(BoxLayers >= 1, $"{BoxLayers} linear layers make no box; use 1 or more");
        return this;
    }

    private static void Require(bool holds, string sentence)
    {
        if (!holds)
            throw new ArgumentException(sentence + ".");
    }
}

/// <summary>A stage of the cascade (Cai and Vasconcelos 2018, "Cascade R-CNN").</summary>
/// <param name="Overlap">from this overlap on a region is taken to show an object.</param>
/// <param name="CentreWeight">what the deltas of centres are multiplied by.</param>
/// <param name="SizeWeight">what the deltas of width and height are multiplied by.</param>
/// <param name="LossWeight">what its losses are multiplied by.</param>
public readonly record struct CascadeStep(double Overlap, double CentreWeight, double SizeWeight, double LossWeight)
{
    internal (double X, double Y, double Width, double Height) Weights =>
        (CentreWeight, CentreWeight, SizeWeight, SizeWeight);
}
