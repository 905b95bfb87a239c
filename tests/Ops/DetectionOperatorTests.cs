using PatchKit.Ops;
using PatchKit.Tests.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>
/// What goldens do not show of RoIAlign, non-maximum suppression and boxes: odd regions, threads, and what is refused.
/// </summary>
public sealed class DetectionOperatorTests
{
    // Inside, outside on each side, upside down, without area, on the last cell, far larger than the map.
    private static readonly float[] OddRegions =
    [
        0,
        1,
        1,
        9,
        7,
        1,
        -20,
        -20,
        -10,
        -10,
        1,
        30,
        2,
        60,
        9,
        0,
        8,
        7,
        2,
        1,
        1,
        4,
        4,
        4,
        4,
        0,
        15,
        11,
        16,
        12,
        1,
        -4000,
        -4000,
        4000,
        4000,
        0,
        -3,
        2,
        20,
        5,
    ];

    public static TheoryData<int, bool> Samplings =>
        new()
        {
            { 0, true },
            { 0, false },
            { 1, true },
            { 2, true },
            { 3, false },
        };

    [Theory, MemberData(nameof(Samplings))]
    public void OddRegionsAreSampledAsTheReferenceDoes(int samplingRatio, bool aligned)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var features = Normal(2, 3, 12, 16);
        var rois = Regions();
        var (a, b) = (features.clone().requires_grad_(), features.clone().requires_grad_());
        var (expected, actual) = (
            RoiAlign.Composed(a, rois, (3, 2), .5, samplingRatio, aligned),
            RoiAlign.Run(b, rois, (3, 2), .5, samplingRatio, aligned)
        );
        var weights = randn_like(expected.detach());
        (expected * weights).sum().backward();
        (actual * weights).sum().backward();
        OperatorTests.AssertClose([expected, a.grad!], [actual, b.grad!], 1e-12);
        Expect.SameBits(zeros_like(actual[1]), actual[1].detach()); // wholly outside
    }

    [Fact]
    public void NumbersDoNotDependOnThreads()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        var features = Normal(2, 5, 12, 16).to(ScalarType.Float32);
        int threads = get_num_threads();
        Tensor[] one = Results(1),
            three = Results(3);
        set_num_threads(threads);
        for (int i = 0; i < one.Length; i++)
            Expect.SameBits(one[i], three[i]);

        Tensor[] Results(int count)
        {
            set_num_threads(count);
            var leaf = OperatorTests.Leaf(features);
            var y = RoiAlign.Run(leaf, Regions(), (4, 4), .5);
            y.square().sum().backward();
            return [y.detach(), leaf.grad!];
        }
    }

    [Fact]
    public void NoRegionsGiveNoMaps()
    {
        using var scope = NewDisposeScope();
        var features = Normal(1, 2, 4, 4).requires_grad_();
        var none = zeros([0, 5], ScalarType.Float32, TestDevice.Current);
        foreach (
            var y in new[] { RoiAlign.Run(features, none, (7, 7), 1), RoiAlign.Composed(features, none, (7, 7), 1) }
        )
        {
            Expect.Shape(y, 0, 2, 7, 7);
            y.sum().backward();
        }
        Expect.SameBits(zeros_like(features.detach()), features.grad!);
    }

    [Fact]
    public void WhatDoesNotFitIsRefused()
    {
        using var scope = NewDisposeScope();
        var (features, rois) = (Normal(2, 3, 4, 4), Regions());
        Expect.Refused<ArgumentException>(
            () => RoiAlign.Run(features[0], rois, (2, 2), 1),
            "[3, 4, 4]",
            "[N, C, H, W]"
        );
        Expect.Refused<ArgumentException>(
            () => RoiAlign.Run(features, rois.narrow(1, 0, 4), (2, 2), 1),
            "[8, 4]",
            "[K, 5]"
        );
        Expect.Refused<ArgumentException>(() => RoiAlign.Run(features, rois, (0, 2), 1), "0 x 2");
        Expect.Refused<ArgumentException>(() => RoiAlign.Run(features, rois, (2, 2), 0), "scale of 0");
        if (features.device.type == DeviceType.CPU)
        {
            Expect.Refused<Exception>(() => RoiAlign.Run(features[..1], rois, (2, 2), 1), "maps 0 to 1", "there are 1");
            Expect.Refused<Exception>(() => RoiAlign.Run(features, rois * double.NaN, (2, 2), 1), "not finite");
        }
        Expect.Refused<ArgumentException>(() => Nms.Run(rois, rois.select(1, 0), .5), "[8, 5]", "[N, 4]");
        Expect.Refused<ArgumentException>(
            () => Nms.ByClass(rois.narrow(1, 1, 4), rois.select(1, 0), rois, .5),
            "[8, 5]",
            "[N]"
        );
    }

    [Fact, Trait("speed", "seconds")]
    public void SuppressionAgreesOnManyBoxes()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var corners = rand([1000, 2], ScalarType.Float32, TestDevice.Current) * 60;
        var boxes = cat([corners, corners + rand([1000, 2], ScalarType.Float32, TestDevice.Current) * 30], 1);
        // many are equal
        var scores = (rand([1000], ScalarType.Float32, TestDevice.Current) * 50).floor();
        var classes = (rand([1000], ScalarType.Float32, TestDevice.Current) * 4).to_type(ScalarType.Int64);
        foreach (double iou in new[] { 0, .3, .5, .9, 1 })
        {
            Expect.SameBits(Nms.Composed(boxes, scores, null, iou), Nms.Run(boxes, scores, iou));
            Expect.SameBits(Nms.Composed(boxes, scores, classes, iou), Nms.ByClass(boxes, scores, classes, iou));
        }
    }

    [Fact]
    public void EmptyAndEqualBoxes()
    {
        using var scope = NewDisposeScope();
        var none = zeros([0, 4], ScalarType.Float32, TestDevice.Current);
        Expect.Shape(Nms.Run(none, none.select(1, 0), .5), 0);
        Expect.Shape(Nms.Composed(none, none.select(1, 0), null, .5), 0);
        var same = ones([3, 4], ScalarType.Float32, TestDevice.Current); // without area: nothing to share
        Expect.Is("[0, 1, 2]", Nms.Run(same, same.select(1, 0), .5));
        Expect.Is("[0, 1, 2]", Nms.Composed(same, same.select(1, 0), null, .5));
    }

    [Fact]
    public void DeltasCarryAnchorsOntoBoxes()
    {
        using var scope = NewDisposeScope();
        var anchors = tensor(new double[] { 0, 0, 10, 20, 5, 5, 9, 6 }, [2, 4]);
        var boxes = tensor(new double[] { 2, 3, 14, 15, -1, 0, 8, 30 }, [2, 4]);
        foreach (var weights in new (double, double, double, double)?[] { null, (1, 1, 1, 1), (30, 30, 15, 15) })
            OperatorTests.AssertClose(
                [boxes],
                [Boxes.Decode(Boxes.Encode(anchors, boxes, weights), anchors, weights)],
                1e-12
            );
        // 10 x 3/10, 10 x -1/20, 5 log 1.2, 5 log .6
        Expect.Is("[[3, -0.5, 0.9116, -2.5541]]", Boxes.Encode(anchors[..1], boxes[..1]));
        Expect.Is("[[2, 3, 10, 15], [0, 0, 8, 16]]", Boxes.Clip(boxes, 16, 10));
        Expect.Is("[144, 270]", Boxes.Area(boxes));
        Expect.Is("[[0.3871, 0.5161], [0.0278, 0.0111]]", Boxes.Iou(anchors, boxes));
    }

    private static Tensor Regions() => tensor(OddRegions, [8, 5]).to(TestDevice.Current);

    private static Tensor Normal(params long[] sizes) => randn(sizes, ScalarType.Float64, TestDevice.Current);
}
