using System.Text.Json;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Metrics.Coco;
using PatchKit.Tests.Data.Coco;
using PatchKit.Tests.Golden;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Metrics.Coco;

/// <summary>COCO's twelve numbers: 10_coco*, and odd sets that pycocotools has scored.</summary>
public sealed class CocoGolden
{
    private const string File = "10_coco";
    private const double Tolerance = 1e-9;

    public static IEnumerable<TheoryDataRow<string>> Sets =>
        GoldenFile.Cases(
            File,
            file => file.Json.GetProperty("sets").EnumerateArray().Select(set => set.GetProperty("name").GetString()!)
        );

    public static IEnumerable<TheoryDataRow<string>> Odd =>
        CocoFixtures
            .Read("odd")
            .EnumerateArray()
            .Select(entry => new TheoryDataRow<string>(entry.GetProperty("name").GetString()!));

    [Theory, MemberData(nameof(Sets))]
    public void GoldenSets(string name)
    {
        var set = GoldenFile
            .Open(File)
            .Json.GetProperty("sets")
            .EnumerateArray()
            .Single(entry => entry.GetProperty("name").GetString() == name);
        string[] files =
        [
            .. set.GetProperty("files")
                .EnumerateArray()
                .Select(file => Path.Combine(GoldenFile.Folder, file.GetString()!)),
        ];
        var truth = CocoInstances.Load(files[0], CocoRule.Pycocotools);
        foreach (var (kind, key, file) in new[] { (CocoKind.Box, "bbox", files[1]), (CocoKind.Mask, "segm", files[2]) })
        {
            var expected = set.GetProperty("results").GetProperty(key);
            var scores = CocoEvaluation.Run(truth, CocoResults.Load(file), kind);
            AssertEqual(
                [.. expected.GetProperty("stats").EnumerateObject().Select(stat => stat.Value.GetDouble())],
                scores.Stats
            );
            int k = 0;
            foreach (var category in expected.GetProperty("per_category").EnumerateArray())
            {
                Assert.Equal(category.GetProperty("category_id").GetInt64(), scores.Categories[k].Category.Id);
                AssertEqual(
                    [.. new[] { "AP", "AP50", "AR100" }.Select(stat => category.GetProperty(stat).GetDouble())],
                    [scores.Categories[k].AP, scores.Categories[k].AP50, scores.Categories[k].AR100]
                );
                k++;
            }
            AssertEqual(
                [.. expected.GetProperty("precision_50_cat0").EnumerateArray().Select(value => value.GetDouble())],
                scores.PrecisionByRecall(0)
            );
        }
    }

    [Theory, MemberData(nameof(Odd))]
    public void OddSets(string name)
    {
        var entry = CocoFixtures
            .Read("odd")
            .EnumerateArray()
            .Single(odd => odd.GetProperty("name").GetString() == name);
        var truth = CocoInstances.Read(
            CocoFixtures.Text(entry.GetProperty("truth").GetRawText()),
            name,
            CocoRule.Pycocotools
        );
        var found = CocoResults.Read(CocoFixtures.Text(entry.GetProperty("detections").GetRawText()), name);
        foreach (var (kind, key) in new[] { (CocoKind.Box, "bbox"), (CocoKind.Mask, "segm") })
        {
            double[] expected = [.. entry.GetProperty(key).EnumerateArray().Select(value => value.GetDouble())];
            var scores = CocoEvaluation.Run(truth, found, kind);
            AssertEqual(expected, scores.Stats);
            Assert.Equal(scores.Stats, CocoEvaluation.Run(truth, found, kind, threads: 1).Stats);
        }
    }

    [Fact]
    public void NoDetectionsScoreNothing()
    {
        var entry = CocoFixtures.Read("odd")[0];
        var truth = CocoInstances.Read(CocoFixtures.Text(entry.GetProperty("truth").GetRawText()), "a set");
        foreach (var kind in new[] { CocoKind.Box, CocoKind.Mask })
            Assert.Equal(0, CocoEvaluation.Run(truth, [], kind).AP);
        var nothing = new CocoInstances([], [], []);
        Assert.All(CocoEvaluation.Run(nothing, [], CocoKind.Box).Stats, stat => Assert.Equal(-1, stat));
    }

    [Fact]
    public void WhatCannotBeScoredIsRefused()
    {
        var truth = new CocoInstances(
            [
                new CocoImage
                {
                    Id = 4,
                    Width = 8,
                    Height = 8,
                },
            ],
            [],
            [new CocoCategory { Id = 1 }],
            "the set"
        );
        var box = new CocoBox(0, 0, 2, 2);
        CocoDetection Found(long image, CocoBox? at, CocoSegmentation? mask) =>
            new()
            {
                ImageId = image,
                CategoryId = 1,
                Score = 1,
                Box = at,
                Segmentation = mask,
            };
        Expect.Refused<ArgumentException>(
            () => CocoEvaluation.Run(truth, [Found(5, box, null)], CocoKind.Box),
            "detection 0",
            "image 5",
            "the set"
        );
        var mixed = new[] { Found(4, box, null), Found(4, null, Rle.FromBox(8, 8, box)) };
        Expect.Refused<ArgumentException>(() => CocoEvaluation.Run(truth, mixed, CocoKind.Box), "detection 1", "box");
        Expect.Refused<ArgumentException>(
            () => CocoEvaluation.Run(truth, [Found(4, null, null)], CocoKind.Mask),
            "detection 0",
            "no mask and no box"
        );
        Expect.Refused<ArgumentException>(
            () => CocoEvaluation.Run(truth, [Found(4, box, new CocoSegmentation([]))], CocoKind.Mask),
            "detection 0",
            "empty list"
        );
        Expect.Refused<ArgumentException>(
            () => CocoEvaluation.Run(truth, [Found(4, box, Rle.FromBox(9, 8, box))], CocoKind.Mask),
            "detection 0",
            "8 x 9",
            "8 x 8"
        );
        var unmasked = new CocoInstances(
            truth.Images,
            [
                new CocoAnnotation
                {
                    Id = 3,
                    ImageId = 4,
                    CategoryId = 1,
                    Area = 4,
                    Box = box,
                },
            ],
            truth.Categories,
            "the set",
            CocoRule.Pycocotools
        );
        Expect.Refused<ImageException>(
            () => CocoEvaluation.Run(unmasked, [Found(4, box, null)], CocoKind.Mask),
            "the set",
            "annotation 3",
            "no mask"
        );
        Assert.Equal(1, CocoEvaluation.Run(unmasked, [Found(4, box, null)], CocoKind.Box).AP, 1e-12);
    }

    [Fact]
    public void TwelveLinesArePrinted()
    {
        var set = GoldenFile.Open(File).Json.GetProperty("sets")[0];
        string Path(int i) => System.IO.Path.Combine(GoldenFile.Folder, set.GetProperty("files")[i].GetString()!);
        string[] lines = CocoEvaluation
            .Run(CocoInstances.Load(Path(0)), CocoResults.Load(Path(1)), CocoKind.Box)
            .ToString()
            .Split('\n');
        Assert.Equal(12, lines.Length);
        Assert.Equal(" Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.284", lines[0]);
        Assert.Equal(" Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 0.262", lines[2]);
        Assert.Equal(" Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 0.586", lines[11]);
    }

    private static void AssertEqual(IReadOnlyList<double> expected, IReadOnlyList<double> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
            Assert.True(
                Math.Abs(expected[i] - actual[i]) <= Tolerance,
                $"number {i} is {actual[i]:R}, and {expected[i]:R} by pycocotools."
            );
    }
}
