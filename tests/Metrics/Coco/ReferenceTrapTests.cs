using PatchKit.Cli;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Metrics.Coco;
using PatchKit.Tests.Cli;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Metrics.Coco;

/// <summary>
/// Where a reference loses something, the right number is given, and the reference's by an option. pycocotools and ids:
/// https://github.com/pytorch/vision/issues/1530, https://github.com/cocodataset/cocoapi/issues/664; and areas of
/// masks: https://github.com/cocodataset/cocoapi/issues/36. Pillow and grey of 16 bits:
/// https://github.com/python-pillow/Pillow/issues/2574, https://github.com/python-pillow/Pillow/issues/3011.
/// </summary>
public sealed class ReferenceTrapTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    // Two objects, found exactly where they are. By COCOeval the surer one, matched to id 0, is wrong: precision 0 / 1,
    // then 1 / 2 at a recall of 1 / 2, so that 51 of the 101 recalls have 1 / 2.
    [Theory, InlineData(CocoKind.Box), InlineData(CocoKind.Mask)]
    public void AnObjectOfId0IsFoundLikeAnyOther(CocoKind kind)
    {
        var truth = Truth([(0, 2), (1, 20)]);
        var found = Found([(2, .9), (20, .8)]);
        var scores = CocoEvaluation.Run(truth, found, kind);
        Assert.Equal(1, scores.AP, 1e-12);
        Assert.Equal(51 * .5 / 101, CocoEvaluation.Run(truth.AsPycocotools(), found, kind).AP, 1e-12);
        Assert.Contains(
            $"pycocotools gives AP of {(kind == CocoKind.Box ? "boxes" : "masks")} as 0.252, not 1.000: it "
                + "counts as wrong what is matched to an object of id 0",
            scores.Difference
        );
    }

    // Of two annotations with one id COCO's index keeps the last, twice: a false object in the place of the first,
    // where its detection finds nothing.
    [Fact]
    public void ObjectsThatShareAnIdAreAllThere()
    {
        var truth = Truth([(7, 2), (7, 20)]);
        var found = Found([(2, .9), (20, .8)]);
        var scores = CocoEvaluation.Run(truth, found, CocoKind.Box);
        Assert.Equal((1, 1), (scores.AP, truth.Repeated));
        Assert.Equal(51 * .5 / 101, CocoEvaluation.Run(truth.AsPycocotools(), found, CocoKind.Box).AP, 1e-12);
        Assert.Contains("share an id", scores.Difference);
        Assert.Null(CocoEvaluation.Run(Truth([(1, 2), (2, 20)]), found, CocoKind.Box).Difference);
    }

    // The same object listed twice, as of files that were joined: one detection finds it.
    [Fact]
    public void AnObjectThatIsListedTwiceIsOne()
    {
        var truth = Truth([(7, 2), (7, 2), (8, 20)]);
        Assert.Equal((2, 1), (truth.Of(1).Count, truth.Repeated));
        foreach (var kind in new[] { CocoKind.Box, CocoKind.Mask })
            Assert.Equal(1, CocoEvaluation.Run(truth, Found([(2, .9), (20, .8)]), kind).AP, 1e-12);
    }

    [Fact]
    public void IdsOfImagesAndCategoriesThatMeanTwoThingsAreRefused()
    {
        CocoImage image = new()
        {
            Id = 1,
            Width = 64,
            Height = 64,
            FileName = "a.png",
        };
        CocoCategory cat = new() { Id = 3, Name = "cat" };
        // the same thing said twice
        Assert.Single(new CocoInstances([image, image with { }], [], [cat, cat with { }]).Images);
        Expect.Refused<ImageException>(
            () => new CocoInstances([image, image with { FileName = "b.png" }], [], [cat], "set.json"),
            "set.json",
            "id 1",
            "a.png",
            "b.png"
        );
        Expect.Refused<ImageException>(
            () => new CocoInstances([image], [], [cat, cat with { Name = "dog" }], "set.json"),
            "id 3",
            "\"cat\"",
            "\"dog\""
        );
        Assert.Equal(
            "dog",
            new CocoInstances([image], [], [cat, cat with { Name = "dog" }], rule: CocoRule.Pycocotools)
                .Categories.Single()
                .Name
        );
    }

    // A mask of 4 pixels that is wrong, with a box of 40 x 40: it is small, and counts among the small ones. By its box
    // it is of medium size, and left out there.
    [Fact]
    public void MasksAreSmallByTheirPixels()
    {
        var truth = Truth([(1, 2)]);
        CocoDetection[] found =
        [
            new()
            {
                ImageId = 1,
                CategoryId = 1,
                Score = .9,
                Box = new CocoBox(20, 20, 40, 40),
                Segmentation = Rle.FromBox(64, 64, new CocoBox(40, 40, 2, 2)),
            },
            .. Found([(2, .8)]),
        ];
        var scores = CocoEvaluation.Run(truth, found, CocoKind.Mask);
        Assert.Equal(.5, scores.APSmall, 1e-12);
        Assert.Equal(1, CocoEvaluation.Run(truth.AsPycocotools(), found, CocoKind.Mask).APSmall, 1e-12);
        Assert.Contains("APsmall of masks as 1.000, not 0.500", scores.Difference);
    }

    // 48 steps of grey from black to white, 65,535 being white: the high byte, as colours of 16 bits have it.
    [Fact]
    public void GreyOf16BitsIsScaled()
    {
        int[] values = [.. Enumerable.Range(0, 48).Select(x => 65535 * x / 47)];
        byte[] row = [.. values.SelectMany(value => new[] { (byte)(value >> 8), (byte)value })];
        byte[] grey = Pngs.Of(48, 1, 16, Pngs.Grey, [row]),
            colour = Pngs.Of(
                48,
                1,
                16,
                Pngs.Rgb,
                [
                    [
                        .. values.SelectMany(value =>
                            Enumerable.Repeat(new[] { (byte)(value >> 8), (byte)value }, 3).SelectMany(two => two)
                        ),
                    ],
                ]
            );
        using Image image = ImageCodec.Decode(grey),
            same = ImageCodec.Decode(colour);
        Assert.Equal(values.SelectMany(value => Enumerable.Repeat((byte)(value >> 8), 3)), image.Pixels.ToArray());
        Assert.True(image.Pixels.SequenceEqual(same.Pixels));
        Assert.Equal(16, image.SourceBits);

        foreach (string part in new[] { "train", "val" })
        foreach (string name in new[] { "a", "b" })
            _scratch.Put($"set/{part}/{name}/0.png", name == "a" ? grey : Pngs.OfRgb(4, 4, (_, _) => (1, 2, 3)));
        Assert.Contains(
            "2 images have 16 bits a sample, which are scaled to 8",
            CommandRun.Of(DataCommand.Create(), "verify", _scratch["set"]).Output
        );
    }

    // Objects of 3 x 3 pixels in an image of 64 x 64.
    private static CocoInstances Truth((long Id, int X)[] objects) =>
        new(
            [
                new CocoImage
                {
                    Id = 1,
                    Width = 64,
                    Height = 64,
                },
            ],
            objects.Select(entry => new CocoAnnotation
            {
                Id = entry.Id,
                ImageId = 1,
                CategoryId = 1,
                Area = 9,
                Box = At(entry.X),
                Segmentation = Rle.FromBox(64, 64, At(entry.X)),
            }),
            [new CocoCategory { Id = 1, Name = "dot" }],
            "the set"
        );

    private static CocoDetection[] Found((int X, double Score)[] found) =>
        [
            .. found.Select(entry => new CocoDetection
            {
                ImageId = 1,
                CategoryId = 1,
                Score = entry.Score,
                Box = At(entry.X),
                Segmentation = Rle.FromBox(64, 64, At(entry.X)),
            }),
        ];

    private static CocoBox At(int x) => new(x, 5, 3, 3);
}
