using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Metrics;
using PatchKit.Metrics.Coco;
using PatchKit.Models;
using PatchKit.Models.Detection;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Torch;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Tasks;

/// <summary>
/// Sets in COCO's format without masks: boxes alone are learnt and scored, where Mask R-CNN ended in an error:
/// https://github.com/facebookresearch/detectron2/issues/1650, https://github.com/open-mmlab/mmdetection/issues/7702,
/// https://github.com/dbolya/yolact/issues/414 (a part of the masks missing).
/// </summary>
public sealed class BoxesAloneTests : IDisposable
{
    private const int Side = 32;
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [
        Theory,
        InlineData(""),
        InlineData(""", "segmentation": []"""),
        InlineData(""", "segmentation": [[]]"""),
        InlineData(""", "segmentation": null"""),
        Trait("speed", "seconds")
    ]
    public void BoxesAreReadWithoutMasks(string segmentation)
    {
        foreach (string part in new[] { "train2017", "val2017" })
            Put(part, segmentation);
        var data = CocoDataConfig.In(_scratch["set"]);
        Assert.True(data.BoxesAlone);
        using var opened = data.Open(
            RecipeBook.Find("detection-images") with
            {
                BatchSize = 1,
                EpochImages = 0,
            },
            1,
            CPU
        );
        using var batch = opened.Training(0, 0, TestContext.Current.CancellationToken).Single();
        Assert.False(batch.Objects![0].Masked!.any().item<bool>());
        Assert.Equal(1, batch.Objects[0].Classes.shape[0]);
    }

    // The losses of a batch whose masks are not known are those of one whose masks are, but for the mask's, which is 0
    // and has no gradient in the mask head.
    [Fact]
    public void TheLossOfMasksIsOfThoseThatAreKnown()
    {
        using var scope = NewDisposeScope();
        using var _ = manual_seed(1);
        using var detector = new CascadeMaskRcnn(
            SmallNet.Vit(Side, 8, 0).Create(),
            2,
            new DetectorConfig
            {
                Dim = 16,
                BoxDim = 32,
                RegionsPerImage = 16,
                Pixels = true,
            }
        );
        var images = rand(1, 3, Side, Side);
        var masks = zeros([2, Side, Side], ScalarType.Bool);
        masks[0].slice(0, 4, 14, 1).slice(1, 4, 14, 1).fill_(true);
        masks[1].slice(0, 16, 30, 1).slice(1, 16, 30, 1).fill_(true);
        ObjectTargets known =
                new(tensor(new float[] { 4, 4, 14, 14, 16, 16, 30, 30 }, [2, 4]), tensor(new long[] { 0, 1 }), masks),
            none = known with { Masked = zeros([2], ScalarType.Bool) },
            all = known with { Masked = ones([2], ScalarType.Bool) };
        DetectionLosses Of(ObjectTargets targets) => detector.Losses(images, [targets], new DetectionDraw(1, 0));
        double[] with = [.. Of(known).Parts.Select(part => (double)part.item<float>())],
            same = [.. Of(all).Parts.Select(part => (double)part.item<float>())];
        var losses = Of(none);
        double[] without = [.. losses.Parts.Select(part => (double)part.item<float>())];
        Assert.Equal(with, same);
        Assert.Equal(with[..4], without[..4]);
        Assert.True(with[4] > 0);
        Assert.Equal(0, without[4]);
        losses.Total.backward();
        Assert.All(
            detector.named_parameters().Where(entry => entry.name.StartsWith("mask_head", StringComparison.Ordinal)),
            entry => Assert.True(entry.parameter.grad is null || entry.parameter.grad.abs().max().item<float>() == 0)
        );
        Assert.Contains(
            detector.named_parameters(),
            entry =>
                entry.name.StartsWith("stages", StringComparison.Ordinal)
                && entry.parameter.grad is { } gradient
                && gradient.abs().max().item<float>() > 0
        );
    }

    [Fact]
    public void APrecisionOfMasksThereIsNot()
    {
        var truth = Truth(null, null);
        var found = new CocoDetection
        {
            ImageId = 1,
            CategoryId = 1,
            Score = .9,
            Box = new CocoBox(2, 2, 8, 8),
            Segmentation = Rle.FromBox(Side, Side, new CocoBox(2, 2, 8, 8)),
        };
        // one of two objects: 51 of 101 recalls
        Assert.Equal(.5049504950495049, CocoEvaluation.Run(truth, [found], CocoKind.Box).AP, 1e-12);
        var masks = DetectionScores.Of(CocoEvaluation.Run(truth, [found], CocoKind.Mask));
        Assert.Equal(-1, masks.Ap);
        Assert.Equal(
            "box AP 50.5 %, mask AP none",
            new DetectionResult(
                0,
                0,
                0,
                0,
                0,
                DetectionScores.Of(CocoEvaluation.Run(truth, [found], CocoKind.Box)),
                masks
            ).Headline
        );
    }

    // Of two objects one has a mask: that one is all there is to be found, and what is found where the other is, is not
    // wrong.
    [Fact]
    public void MasksAreScoredWhereTheyAreKnown()
    {
        CocoBox first = new(2, 2, 8, 8),
            second = new(16, 16, 8, 8);
        CocoDetection Found(CocoBox box, double score) =>
            new()
            {
                ImageId = 1,
                CategoryId = 1,
                Score = score,
                Box = box,
                Segmentation = Rle.FromBox(Side, Side, box),
            };
        var truth = Truth(Rle.FromBox(Side, Side, first), null);
        Assert.Equal(1, CocoEvaluation.Run(truth, [Found(second, .9), Found(first, .8)], CocoKind.Mask).AP, 1e-12);
        Assert.Equal(1, CocoEvaluation.Run(truth, [Found(second, .9), Found(first, .8)], CocoKind.Box).AP, 1e-12);
    }

    [Fact]
    public void AValidationFileWithoutObjectsIsRefusedBeforeTraining()
    {
        Put("train2017", "");
        Put("val2017", "");
        _scratch.Put(
            "set/annotations/instances_val2017.json",
            """
            {"images": [{"id": 1, "width": 32, "height": 32, "file_name": "a.png"}],
             "categories": [{"id": 1, "name": "dot"}], "annotations": []}
            """
        );
        Expect.Refused<ImageException>(
            () => CocoDataConfig.In(_scratch["set"]),
            "instances_val2017.json",
            "no object to be found"
        );
    }

    private static CocoInstances Truth(CocoSegmentation? first, CocoSegmentation? second) =>
        new(
            [
                new CocoImage
                {
                    Id = 1,
                    Width = Side,
                    Height = Side,
                },
            ],
            [
                new CocoAnnotation
                {
                    Id = 1,
                    ImageId = 1,
                    CategoryId = 1,
                    Area = 64,
                    Box = new CocoBox(2, 2, 8, 8),
                    Segmentation = first,
                },
                new CocoAnnotation
                {
                    Id = 2,
                    ImageId = 1,
                    CategoryId = 1,
                    Area = 64,
                    Box = new CocoBox(16, 16, 8, 8),
                    Segmentation = second,
                },
            ],
            [new CocoCategory { Id = 1, Name = "dot" }]
        );

    private void Put(string part, string segmentation)
    {
        _scratch.Put($"set/{part}/a.png", Pngs.OfRgb(Side, Side, (_, _) => (9, 9, 9)));
        _scratch.Put(
            $"set/annotations/instances_{part}.json",
            $$"""
            {"images": [{"id": 1, "width": {{Side}}, "height": {{Side}}, "file_name": "a.png"}],
             "categories": [{"id": 1, "name": "dot"}],
             "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "area": 64,
               "bbox": [2, 2, 8, 8]{{segmentation}}}]}
            """
        );
    }
}
