using PatchKit.Data;
using PatchKit.Data.Images;
using PatchKit.Data.Segmentation;
using PatchKit.Data.Sets;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Torch;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Data.Segmentation;

/// <summary>
/// Folders in ADE20K's layout: what is read, and a sentence with the file's name for each pair that does not go
/// together.
/// </summary>
public sealed class SegmentationFolderTests : IDisposable
{
    // A 16-bit grey PNG of 1 x 1 pixels; the codec writes none.
    private const string Deep =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABEAAAAABq7kUHAAAAC0lEQVR42mNgAAEAAAUAAYehTtQAAAAASUVORK5CYII=";

    private readonly string _folder = ImageFiles.Scratch();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void PairsAreReadWithTheirLabels()
    {
        var set = SegmentationFolder.Open(Scenes.Write(_folder), DataSplit.Training);
        Assert.Equal((12, true), (set.Count, SegmentationFolder.IsIn(_folder)));
        Assert.Equal(Scenes.Classes, set.Classes);
        var (image, labels) = set.Read(3);
        using (image)
            Assert.Equal((40, 30, 40, 30), (image.Width, image.Height, labels.Width, labels.Height));
        Assert.Equal(Scenes.Coordinates(40, 30).Labels.Classes, labels.Classes);
        Assert.Equal(5, SegmentationFolder.Open(_folder, DataSplit.Test).Count);
    }

    [Fact]
    public void ZeroIsIgnoredAndTheOthersAreOneLess()
    {
        string path = Path.Combine(_folder, "mask.png");
        File.WriteAllBytes(path, ImageCodec.EncodeGreyPng([0, 1, 150, 255], 4, 1));
        Assert.Equal([255, 0, 149, 255], LabelMap.Read(path, 150).Classes);
    }

    [Fact]
    public void AdeNamesAreTheLastColumn()
    {
        Scenes.Write(_folder);
        File.WriteAllLines(
            Path.Combine(_folder, "objectInfo.txt"),
            [
                "Idx\tRatio\tTrain\tVal\tStuff\tName",
                "1\t0.1576\t11664\t1172\t1\twall",
                "2\t0.1072\t6046\t612\t1\tbuilding, edifice",
            ]
        );
        Assert.Equal(["wall", "building, edifice"], SegmentationFolder.Open(_folder, DataSplit.Training).Classes);
    }

    [Theory]
    [InlineData("missing", "does not exist, but an image has to have its annotation there")]
    [InlineData("other size", "has 39 x 30 pixels, but its image", "40 x 30")]
    [InlineData("label", "has label 5 at column 7, row 2, but there are 4 classes, labelled 1 to 4")]
    [InlineData("16 bit", "is a 16-bit grey PNG, but annotations are PNGs of up to 8 bits")]
    [InlineData("rgb", "is an RGB PNG of 8 bits, but annotations are PNGs of up to 8 bits")]
    [InlineData("jpeg", "is no PNG file")]
    [InlineData("empty", "is empty")]
    [InlineData("truncated", "")]
    [InlineData("image", "")]
    public void APairThatDoesNotGoTogetherIsASentence(string kind, params string[] words)
    {
        string spoilt = Spoil(kind);
        string sentence = Expect.Refused<ImageException>(
            () => SegmentationFolder.Open(_folder, DataSplit.Training).Read(3),
            [spoilt, .. words]
        );
        Assert.EndsWith(".", sentence);

        var data = SegmentationDataConfig.In(_folder, (16, 16));
        var recipe = RecipeBook.Find("segment-smoke") with
        {
            EpochImages = 24,
            BatchSize = 4,
            Epochs = 1,
            WarmupEpochs = 0,
        };
        Expect.Refused<ImageException>(() => Read(data.Reading(BadSample.Stop)), spoilt, "--on-bad-sample skip");
        Assert.Equal((6, 1), Read(data.Reading(BadSample.Skip)));

        (int Batches, int LeftOut) Read(DataConfig config)
        {
            using var opened = config.Open(recipe, 1, CPU);
            int batches = 0;
            foreach (var batch in opened.Training(0, 0, TestContext.Current.CancellationToken))
                using (batch)
                {
                    Assert.Equal([4, 3, 16, 16], batch.Images.shape);
                    batches++;
                }
            return (batches, opened.LeftOut);
        }
    }

    [Fact]
    public void TestImagesOfOneSizeShareABatch()
    {
        Scenes.Write(_folder, severalSizes: true);
        using var opened = SegmentationDataConfig.In(_folder).Open(RecipeBook.Find("segment-smoke"), 1, CPU);
        List<long[]> shapes = [];
        foreach (var batch in opened.Test(TestContext.Current.CancellationToken))
            using (batch)
                shapes.Add([.. batch.Images.shape, .. batch.Dense!.shape]);
        Assert.Equal(
            [
                [2, 3, 30, 40, 2, 30, 40],
                [2, 3, 30, 44, 2, 30, 44],
                [1, 3, 30, 40, 1, 30, 40],
            ],
            shapes
        );
    }

    [Fact]
    public void TestImagesMayBeResizedAndLabelsAreNot()
    {
        var data = SegmentationDataConfig.In(Scenes.Write(_folder)) with { ShorterSide = 15 };
        using var opened = data.Open(RecipeBook.Find("segment-smoke"), 1, CPU);
        using var batch = opened.Test(TestContext.Current.CancellationToken).First();
        Assert.Equal(
            ([5, 3, 15, 20], [5, 30, 40]),
            (batch.Images.shape, batch.Dense!.shape),
            (a, b) => a.Item1.SequenceEqual(b.Item1) && a.Item2.SequenceEqual(b.Item2)
        );
    }

    [Theory]
    [InlineData("images/training", "images/training", "does not exist")]
    [InlineData("annotations/validation", "annotations/validation", "does not exist")]
    [InlineData("objectInfo.txt", "objectInfo", "1 sky")]
    public void AFolderThatIsNotWholeIsASentence(string removed, params string[] words)
    {
        Scenes.Write(_folder);
        string path = Path.Combine(_folder, removed);
        if (File.Exists(path))
            File.Delete(path);
        else
            Directory.Delete(path, recursive: true);
        Expect.Refused<ImageException>(() => SegmentationDataConfig.In(_folder), words);
    }

    [Fact]
    public void ImagesThatWereChangedAreRefused()
    {
        var data = SegmentationDataConfig.In(Scenes.Write(_folder));
        File.Delete(Scenes.Mask(_folder, "validation", 1));
        Expect.Refused<ArgumentException>(
            () => data.Open(RecipeBook.Find("segment-smoke"), 1, CPU),
            "fingerprint",
            "begin another run"
        );
    }

    private string Spoil(string kind)
    {
        Scenes.Write(_folder);
        string mask = Scenes.Mask(_folder, "training", 3),
            image = Path.Combine(_folder, "images", "training", "003.png");
        switch (kind)
        {
            case "missing":
                File.Delete(mask);
                return mask;
            case "other size":
                File.WriteAllBytes(mask, Scenes.Coordinates(39, 30).Labels.ToPng());
                return mask;
            case "label":
                var labels = Scenes.Coordinates(40, 30).Labels;
                labels.Classes[2 * 40 + 7] = 4;
                File.WriteAllBytes(mask, labels.ToPng());
                return mask;
            case "16 bit":
                File.WriteAllBytes(mask, Convert.FromBase64String(Deep));
                return mask;
            case "rgb":
                File.Copy(image, mask, overwrite: true);
                return mask;
            case "jpeg":
                File.Copy(Path.Combine(ImageFiles.Folder, "grey.jpg"), mask, overwrite: true);
                return mask;
            case "empty":
                File.WriteAllBytes(mask, []);
                return mask;
            case "truncated":
                File.WriteAllBytes(mask, File.ReadAllBytes(mask)[..^20]);
                return mask;
            default:
                File.WriteAllText(image, "no image");
                return image;
        }
    }
}
