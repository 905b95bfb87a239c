using PatchKit.Data.Images;
using PatchKit.Data.Segmentation;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Torch;
using PatchKit.Training;
using Xunit;

namespace PatchKit.Tests.Data.Segmentation;

/// <summary>
/// Label maps with a palette are read by their indices, as Pascal VOC's are meant
/// (https://github.com/open-mmlab/mmsegmentation/issues/1784, https://github.com/lmurmann/multi_illumination/issues/5),
/// those of few bits by their values; and a set without a label is refused before anything is trained.
/// </summary>
public sealed class LabelMapTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    public static TheoryData<byte, byte> Kinds =>
        new([
            (1, Pngs.Palette),
            (2, Pngs.Palette),
            (4, Pngs.Palette),
            (8, Pngs.Palette),
            (1, Pngs.Grey),
            (2, Pngs.Grey),
            (4, Pngs.Grey),
            (8, Pngs.Grey),
        ]);

    [Theory, MemberData(nameof(Kinds))]
    public void ValuesAreTheFilesOwn(byte depth, byte kind)
    {
        const int width = 16;
        int[] values = [.. Enumerable.Range(0, width).Select(x => x % (1 << Math.Min((int)depth, 4)))];
        var row = new byte[width * depth / 8];
        for (int x = 0; x < width; x++)
            row[x * depth / 8] |= (byte)(values[x] << 8 - depth - x * depth % 8);
        // colours that are no indices
        byte[] palette =
        [
            .. Enumerable.Range(0, 1 << depth).SelectMany(i => new[] { (byte)(250 - i), (byte)(3 * i), (byte)77 }),
        ];
        string path = _scratch.Put(
            "map.png",
            Pngs.Of(width, 1, depth, kind, [row], kind == Pngs.Palette ? palette : null)
        );
        Assert.Equal(
            values.Select(value => value == 0 ? LabelMap.Ignored : (byte)(value - 1)),
            LabelMap.Read(path, 20).Classes
        );
    }

    [Theory, InlineData(0), InlineData(255)]
    public void ASetWithoutALabelIsRefusedBeforeTraining(byte nothing)
    {
        foreach (string part in new[] { "training", "validation" })
            Pair(part, nothing);
        Expect.Refused<ImageException>(
            () => SegmentationDataConfig.In(_scratch["set"]),
            "training",
            "no pixel of any has a class"
        );
        Pair("training", 1);
        // it could not be scored
        Expect.Refused<ImageException>(
            () => SegmentationDataConfig.In(_scratch["set"]),
            "validation",
            "no pixel of any has a class"
        );
        Pair("validation", 2);
        Assert.Equal(2, SegmentationDataConfig.In(_scratch["set"]).Classes);
    }

    private void Pair(string part, byte last)
    {
        _scratch.Put($"set/images/{part}/a.png", Pngs.OfRgb(4, 4, (x, y) => (x, y, 0)));
        _scratch.Put($"set/annotations/{part}/a.png", Pngs.OfGrey(4, 4, (x, y) => (x, y) == (3, 3) ? last : 0));
        _scratch.Put("set/objectInfo.txt", "1 a\n2 b\n");
    }
}
