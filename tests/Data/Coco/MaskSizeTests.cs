using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Metrics.Coco;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Torch;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Data.Coco;

/// <summary>
/// Runs of another size than their image scramble a mask without a word:
/// https://github.com/facebookresearch/maskrcnn-benchmark/pull/859,
/// https://github.com/facebookresearch/maskrcnn-benchmark/pull/679.
/// </summary>
public sealed class MaskSizeTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("""{"size": [8, 6], "counts": [0, 48]}""", "8 x 6", "[height, width]", false)]
    [InlineData("""{"size": [3, 4], "counts": [0, 12]}""", "4 x 3", "annotation 5", false)]
    [InlineData("""{"size": [6, 8], "counts": "0`1"}""", "", "", true)]
    [InlineData("""{"size": [6, 8], "counts": [0, 48]}""", "", "", true)]
    public void RunsOfAnotherSizeAreRefusedWithBothSizes(string mask, string size, string word, bool right)
    {
        Put(mask, "train2017");
        Put("""{"size": [6, 8], "counts": [0, 48]}""", "val2017");
        var data = CocoDataConfig.In(_scratch["set"]);
        void Begin() => data.Open(RecipeBook.Find("detection-images"), 1, CPU).Dispose();
        if (right)
            Begin();
        else
        {
            // before anything is trained
            string sentence = Expect.Refused<ImageException>(
                Begin,
                "instances_train2017.json",
                "annotation 5",
                "8 x 6"
            );
            Assert.Contains(
                size.Length > 0
                    ? size == "8 x 6"
                        ? "6 x 8"
                        : size
                    : "",
                sentence
            );
            Assert.Contains(word, sentence);
            Expect.Refused<ImageException>(
                () => CocoDataset.Open(_scratch["set"], DataSplit.Training).Read(0),
                "annotation 5"
            );
        }
    }

    [Fact]
    public void ValidationMasksAreLookedAtBeforeTrainingToo()
    {
        Put("""{"size": [6, 8], "counts": [0, 48]}""", "train2017");
        Put("""{"size": [8, 6], "counts": [0, 48]}""", "val2017");
        Expect.Refused<ImageException>(
            () => CocoDataConfig.In(_scratch["set"]).Open(RecipeBook.Find("detection-images"), 1, CPU),
            "instances_val2017.json",
            "annotation 5"
        );
    }

    [Fact]
    public void MasksOfDetectionsAreLookedAtToo()
    {
        var truth = new CocoInstances(
            [
                new CocoImage
                {
                    Id = 1,
                    Width = 8,
                    Height = 6,
                    FileName = "a.png",
                },
            ],
            [],
            [new CocoCategory { Id = 1 }]
        );
        CocoDetection found = new()
        {
            ImageId = 1,
            CategoryId = 1,
            Score = 1,
            Segmentation = Rle.FromBox(8, 6, new CocoBox(1, 1, 2, 2)),
        };
        Expect.Refused<ArgumentException>(
            () => CocoEvaluation.Run(truth, [found], CocoKind.Mask),
            "detection 0",
            "6 x 8",
            "8 x 6",
            "a.png"
        );
    }

    private void Put(string mask, string part)
    {
        _scratch.Put($"set/{part}/a.png", Pngs.OfRgb(8, 6, (_, _) => (9, 9, 9)));
        _scratch.Put(
            $"set/annotations/instances_{part}.json",
            $$"""
            {"images": [{"id": 1, "width": 8, "height": 6, "file_name": "a.png"}],
             "categories": [{"id": 1, "name": "dot"}],
             "annotations": [{"id": 5, "image_id": 1, "category_id": 1, "area": 48, "bbox": [0, 0, 8, 6],
               "segmentation": {{mask}}}]}
            """
        );
    }
}
