using PatchKit.Data;
using PatchKit.Models;
using PatchKit.Models.Detection;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models.Detection;

/// <summary>A detector of a few thousand weights, and images for it.</summary>
internal static class SmallDetector
{
    internal const int Classes = 4;

    internal static DetectorConfig Config { get; } =
        new()
        {
            Dim = 8,
            Strides = [4, 8],
            AnchorScale = 3,
            AnchorAspects = [.5, 2],
            ProposalConvolutions = 1,
            AnchorsPerImage = 16,
            TrainingCandidates = 20,
            TrainingProposals = 8,
            TestCandidates = 20,
            TestProposals = 8,
            RegionsPerImage = 12,
            PositiveShare = .5,
            Jittered = 1,
            BoxBins = 3,
            BoxConvolutions = 1,
            BoxLayers = 1,
            BoxDim = 16,
            MaskBins = 3,
            MaskConvolutions = 1,
            Samples = 2,
            Beta = .1,
            Pixels = true,
            LeastScore = .01,
        };

    internal static BackboneConfig Backbone(int patchSize = 8) =>
        SmallNet.Vit(48, patchSize, 0) with
        {
            EmbedDim = 16,
            Depth = 1,
        };

    internal static CascadeMaskRcnn Create(int patchSize = 8, DetectorConfig? config = null, long seed = 1)
    {
        manual_seed(seed).Dispose();
        return new CascadeMaskRcnn(Backbone(patchSize).Create(), Classes, config ?? Config);
    }

    internal static Batch Images(int count, long first = 0) =>
        new MultiScaleBits(1, DataSplit.Training, MultiScaleBitsOptions.Detection).Batch(
            first,
            count,
            Annotations.Objects
        );

    /// <summary>An image without objects.</summary>
    internal static ObjectTargets Nothing(int size = 48) =>
        new(zeros([0, 4], float32), zeros([0], ScalarType.Int64), zeros([0, size, size], ScalarType.Bool));
}
