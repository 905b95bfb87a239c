using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Data.Segmentation;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Data.Images;

/// <summary>
/// An image and what was drawn on it are turned together or not at all. In the field one was turned and the other not,
/// or training ended in a mismatch of sizes: https://github.com/facebookresearch/detectron2/issues/788,
/// https://github.com/jsbroks/coco-annotator/issues/557.
/// </summary>
public sealed class PairsTests : IDisposable
{
    private const int Width = 6,
        Height = 4;
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    public static TheoryData<int, bool> Maps =>
        new(
            from orientation in Enumerable.Range(1, 8)
            from upright in new[] { true, false }
            where upright || orientation is 1 or >= 5
            select (orientation, upright)
        );

    // A photograph whose colour says each pixel's class, under all orientations; its map drawn on the upright picture,
    // or, where sizes tell, on the stored one.
    [Theory, MemberData(nameof(Maps))]
    public void LabelMapsLieOnTheirPhotographs(int orientation, bool upright)
    {
        Photo("images/training/a.png", orientation);
        var (width, height, at) = Pngs.Turned(upright ? 1 : orientation, Width, Height, (x, y) => 1 + Class(x, y));
        _scratch.Put("annotations/training/a.png", Pngs.OfGrey(width, height, at));
        var set = Open();
        Assert.Equal((width, height), set.Size(0));
        Agree(set);
    }

    [Fact]
    public void ALabelMapMayBeTurnedByATagOfItsOwn()
    {
        Photo("images/training/a.png", 3);
        var (width, height, at) = Pngs.Turned(3, Width, Height, (x, y) => 1 + Class(x, y));
        _scratch.Put("annotations/training/a.png", Pngs.OfGrey(width, height, at, orientation: 3));
        Agree(Open());
    }

    [Fact]
    public void SizesThatDisagreeEitherWayAreRefusedWithTheTagNamed()
    {
        Photo("images/training/a.png", 6);
        _scratch.Put("annotations/training/a.png", Pngs.OfGrey(5, 5, (_, _) => 1));
        var set = Open();
        Expect.Refused<ImageException>(() => set.Read(0), "a.png", "5 x 5", "6 x 4", "4 x 6 as stored", "EXIF");
    }

    // Joined by name: two images of one name would share an annotation.
    [Fact]
    public void TwoImagesOfOneAnnotationAreRefused()
    {
        Photo("images/training/a.png", 1);
        _scratch.Put("images/training/a.bmp", "");
        Expect.Refused<ImageException>(() => Open(), "a.bmp and a.png", "one annotation");
    }

    [
        Theory,
        InlineData(1, true),
        InlineData(3, true),
        InlineData(6, true),
        InlineData(8, true),
        InlineData(6, false),
        InlineData(7, false)
    ]
    public void ObjectsOfCocoLieOnTheirPhotographs(int orientation, bool upright)
    {
        // One bright pixel is the object; the file's sizes are those of the upright picture, as annotation programs
        // show it, or of the stored one.
        var (width, height, at) = Pngs.Turned(
            orientation,
            Width,
            Height,
            (x, y) => (x, y) == (4, 1) ? (255, 255, 255) : (9, 9, 9)
        );
        _scratch.Put("set/train2017/a.png", Pngs.OfRgb(width, height, at, orientation));
        var (boxX, boxY) = upright ? (4, 1) : Pngs.Stored(orientation, 4, 1, Width, Height);
        var (saidWidth, saidHeight) = upright ? (Width, Height) : (width, height);
        _scratch.Put(
            "set/annotations/instances_train2017.json",
            $$"""
            {"images": [{"id": 1, "width": {{saidWidth}}, "height": {{saidHeight}}, "file_name": "a.png"}],
             "categories": [{"id": 1, "name": "dot"}],
             "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "area": 1, "bbox": [{{boxX}}, {{boxY}}, 1, 1]}]}
            """
        );
        using var sample = CocoDataset.Open(_scratch["set"], DataSplit.Training).Read(0);
        var found = sample.Objects.Single();
        Assert.Equal(255, sample.Pixels.Row((int)found.Top)[3 * (int)found.Left]);
    }

    [Fact]
    public void ACocoFileOfOtherSizesIsRefusedWithTheTagNamed()
    {
        Photo("set/train2017/a.png", 6);
        _scratch.Put(
            "set/annotations/instances_train2017.json",
            """
            {"images": [{"id": 1, "width": 7, "height": 7, "file_name": "a.png"}],
             "categories": [{"id": 1, "name": "dot"}],
             "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "area": 1, "bbox": [1, 1, 1, 1]}]}
            """
        );
        Expect.Refused<ImageException>(
            () => CocoDataset.Open(_scratch["set"], DataSplit.Training).Read(0),
            "6 x 4",
            "4 x 6 as stored",
            "EXIF",
            "7 x 7"
        );
    }

    private static int Class(int x, int y) => (2 * x + 3 * y) % 5;

    private void Photo(string name, int orientation)
    {
        var (width, height, at) = Pngs.Turned(orientation, Width, Height, (x, y) => (40 * Class(x, y), 0, 0));
        _scratch.Put(name, Pngs.OfRgb(width, height, at, orientation));
    }

    private SegmentationFolder Open()
    {
        Directory.CreateDirectory(_scratch["annotations/training"]);
        _scratch.Put("objectInfo.txt", "1 a\n2 b\n3 c\n4 d\n5 e\n");
        return SegmentationFolder.Open(_scratch["."], DataSplit.Training);
    }

    private static void Agree(SegmentationFolder set)
    {
        var (image, labels) = set.Read(0);
        using (image)
            for (int at = 0; at < labels.Classes.Length; at++)
                Assert.Equal(image.Pixels[3 * at], 40 * labels.Classes[at]);
    }
}
