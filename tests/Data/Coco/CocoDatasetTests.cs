using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Data.Coco;

/// <summary>
/// Images with objects on their way into batches: layouts, joint augmentation, shapes of like kind together, padding.
/// </summary>
public sealed class CocoDatasetTests
{
    [Theory, InlineData(false), InlineData(true)]
    public void FoldersAndArchivesHoldTheSame(bool camVid)
    {
        using var folder = new CocoFolder(camVid);
        CocoDataset plain = CocoDataset.Open(folder.Set, DataSplit.Training),
            archived = CocoDataset.Open(folder.Archived(), DataSplit.Training),
            all = CocoDataset.Open(folder.Set, DataSplit.Training, withObjects: false);
        // one without objects, one all crowd
        Assert.Equal((8, 6, 6), (all.Count, plain.Count, archived.Count));
        Assert.Equal(["early", "late"], plain.Classes);
        Assert.Equal([4, 90], plain.CategoryIds);
        for (int i = 0; i < plain.Count; i++)
        {
            using DetectionSample a = plain.Read(i),
                b = archived.Read(i);
            Assert.Equal(a.Pixels.Pixels, b.Pixels.Pixels);
            Assert.Equal(2, a.Objects.Count); // the third is a crowd
            Assert.Equal(a.Objects.Select(Text), b.Objects.Select(Text));
            Assert.All(a.Objects, entry => Assert.True(Fits(entry, a.Pixels.Width), Text(entry)));
        }
    }

    [Fact]
    public void PixelsBoxesAndMasksMoveTogether()
    {
        using var folder = new CocoFolder();
        var set = CocoDataset.Open(folder.Set, DataSplit.Training);
        using var sample = set.Read(1);
        using DetectionSample flipped = sample.Flip(),
            twice = flipped.Flip(),
            large = sample.Resize(3 * sample.Pixels.Height, 2 * sample.Pixels.Width),
            back = large.Resize(sample.Pixels.Height, sample.Pixels.Width);
        Assert.Equal(sample.Objects.Select(Text), twice.Objects.Select(Text));
        Assert.Equal(sample.Objects.Select(Text), back.Objects.Select(Text));
        foreach (var moved in new[] { flipped, large })
            Assert.All(moved.Objects, entry => Assert.True(Fits(entry, moved.Pixels.Width), Text(entry)));
        Assert.Equal(
            6 * sample.Objects.Sum(entry => entry.Mask.Sum(pixel => pixel)),
            large.Objects.Sum(entry => entry.Mask.Sum(pixel => pixel))
        );

        var first = sample.Objects[0];
        using var cut = sample.Crop(
            new CropBox(
                (int)first.Top + 1,
                (int)first.Left,
                sample.Pixels.Height - (int)first.Top - 1,
                sample.Pixels.Width - (int)first.Left
            )
        );
        Assert.Equal(
            (0f, 0f, first.Right - first.Left, first.Bottom - first.Top - 1),
            (cut.Objects[0].Left, cut.Objects[0].Top, cut.Objects[0].Right, cut.Objects[0].Bottom)
        );
        Assert.All(cut.Objects, entry => Assert.True(Fits(entry, cut.Pixels.Width), Text(entry)));
        Assert.Equal((sample.Pixels.Height, sample.Pixels.Width), cut.Original);
    }

    [Theory]
    [InlineData(480, 640, 800, 1067)]
    [InlineData(640, 480, 1067, 800)]
    [InlineData(100, 1000, 133, 1333)]
    public void TheShorterSideIsResized(int height, int width, int toHeight, int toWidth) =>
        Assert.Equal((toHeight, toWidth), new ShortSideResize().Of(height, width));

    [Fact]
    public void JitterStaysInItsSquare()
    {
        var jitter = new LargeScaleJitter(64);
        var sizes = new List<int>();
        for (int i = 0; i < 300; i++)
        {
            var random = new SampleRandom(1, 0, i);
            var (height, width) = jitter.Draw(48, 96, ref random);
            var part = jitter.Cut(height, width, ref random);
            Assert.InRange(width, 6, 128);
            Assert.True(
                part.Top >= 0
                    && part.Left >= 0
                    && part.Top + part.Height <= height
                    && part.Left + part.Width <= width
                    && part.Height <= 64
                    && part.Width <= 64
            );
            sizes.Add(width);
        }
        // the middle of .1 to 2 times 64
        Assert.InRange(sizes.Average(), 60, 75);
    }

    [Fact]
    public void BatchesHoldEachImageOnceAndShapesOfOneKind()
    {
        var sizes = Enumerable.Range(0, 50).Select(i => i % 3 == 0 ? (40, 20) : (20, 40)).ToArray();
        int[][] batches = AspectRatioBatches.Of(sizes, 4, seed: 1, epoch: 2);
        Assert.Equal(Enumerable.Range(0, 50), batches.SelectMany(batch => batch).Order());
        Assert.All(batches, batch => Assert.Single(batch.Select(i => sizes[i]).Distinct()));
        Assert.Equal(batches, AspectRatioBatches.Of(sizes, 4, seed: 1, epoch: 2));
        Assert.NotEqual(batches, AspectRatioBatches.Of(sizes, 4, seed: 1, epoch: 3));
        Assert.All(AspectRatioBatches.Of(sizes, 4, 1, 2, dropLast: true), batch => Assert.Equal(4, batch.Length));
    }

    [Fact]
    public void BatchesArePaddedAndSayWhere()
    {
        using var scope = NewDisposeScope();
        using var folder = new CocoFolder();
        var set = CocoDataset.Open(folder.Set, DataSplit.Training, withObjects: false);
        var loader = new CocoLoader(
            set,
            DetectionTransform.Test with
            {
                Resize = null,
            },
            new() { BatchSize = 8, Multiple = 16 }
        );
        using var batch = loader.Epoch(0, cancellation: TestContext.Current.CancellationToken).Single();
        Expect.Shape(batch.Images, 8, 3, 32, 32);
        using var padding = batch.Padding()!;
        for (int i = 0; i < 8; i++)
        {
            var source = batch.Sources![i];
            Assert.Equal(
                (set.Image(i).Id, set.Image(i).Height, set.Image(i).Width),
                (source.ImageId, source.OriginalHeight, source.OriginalWidth)
            );
            Assert.Equal(32 * 32 - source.Height * source.Width, padding[i].sum().item<long>());
            Assert.Equal(0, batch.Images[i].masked_select(padding[i].unsqueeze(0)).abs().sum().item<float>());
            Assert.Equal(0, batch.Objects![i].Masks.logical_and(padding[i].unsqueeze(0)).sum().item<long>());
            Assert.Equal(i is 2 or 3 ? 0 : 2, batch.Objects[i].Classes.shape[0]);
            Expect.Shape(batch.Objects[i].Masks, i is 2 or 3 ? 0 : 2, 32, 32);
        }
        using var generated = new MultiScaleBits(1, options: MultiScaleBitsOptions.Detection).Batch(
            0,
            2,
            Annotations.Objects
        );
        Assert.Null(generated.Padding());
        // the same kind of sample
        Assert.Equal(2, generated.Objects!.Count);
    }

    [Fact]
    public void BatchesDependOnSeedEpochAndPositionAlone()
    {
        using var scope = NewDisposeScope();
        using var folder = new CocoFolder();
        var set = CocoDataset.Open(folder.Set, DataSplit.Training);
        var transform = DetectionTransform.Training with { Jitter = new LargeScaleJitter(48) };
        Batch[] All(int threads, long epoch, int first = 0) =>
            [
                .. new CocoLoader(
                    set,
                    transform,
                    new()
                    {
                        BatchSize = 2,
                        Shuffle = true,
                        Seed = 5,
                        Threads = threads,
                    }
                ).Epoch(epoch, first, TestContext.Current.CancellationToken),
            ];
        Batch[] one = All(1, 0),
            three = All(3, 0),
            resumed = All(2, 0, first: 3),
            other = All(1, 1);
        // three wide images and three tall ones
        Assert.Equal(4, one.Length);
        Assert.Single(resumed);
        foreach (var (a, b) in one.Zip(three).Append((one[3], resumed[0])))
        {
            Expect.Shape(a.Images, a.Sources!.Count, 3, 48, 48);
            Expect.SameBits(a.Images, b.Images);
            foreach (var (p, q) in a.Objects!.Zip(b.Objects!))
            {
                Expect.SameBits(p.Boxes, q.Boxes);
                Expect.SameBits(p.Masks, q.Masks);
                Expect.SameBits(p.Classes, q.Classes);
            }
        }
        Assert.NotEqual(one.SelectMany(batch => batch.Sources!), other.SelectMany(batch => batch.Sources!));
        foreach (var batch in one.Concat(three).Concat(resumed).Concat(other))
            batch.Dispose();
    }

    [Fact]
    public void SetsThatAreNotWholeAreRefused()
    {
        using var folder = new CocoFolder(camVid: true);
        Expect.Refused<ImageException>(
            () => CocoDataset.Open(folder.Root + "/nothing", DataSplit.Training),
            "does not exist"
        );
        Expect.Refused<ImageException>(
            () => CocoDataset.Open(folder.Set, DataSplit.Test),
            "instances_val2017.json",
            "instances_validation.json"
        );
        File.WriteAllText(Path.Combine(folder.Root, "odd.tar"), "this is no archive at all, just text");
        Expect.Refused<ImageException>(
            () => CocoDataset.Open(Path.Combine(folder.Root, "odd.tar"), DataSplit.Training),
            "odd.tar"
        );

        var set = CocoDataset.Open(folder.Set, DataSplit.Training);
        var loader = new CocoLoader(set, DetectionTransform.Test with { Resize = null }, new() { Canvas = (16, 64) });
        Expect.Refused<ArgumentException>(
            () => loader.Epoch(0, cancellation: TestContext.Current.CancellationToken).First().Dispose(),
            "does not fit",
            "64 x 16"
        );
        using var small = new Image(3, 3);
        File.WriteAllBytes(set.Name(0), ImageCodec.EncodePng(small));
        Expect.Refused<ImageException>(() => set.Read(0), "3 x 3", "30 x 20");
        File.Delete(set.Name(1));
        Expect.Refused<ImageException>(() => set.Read(1), set.Name(1), "does not exist");
    }

    [Fact, Trait("speed", "seconds")]
    public void CamVidIsReadFromItsArchiveWhereItIs()
    {
        string archive = Path.Combine(ImageFiles.Folder, "../../../../shared/data/camvid_240x180.tar.xz");
        Assert.SkipUnless(File.Exists(archive), "shared/data is not on this machine");
        var set = CocoDataset.Open(archive, DataSplit.Validation);
        Assert.Equal((233, 1159), (set.Count, set.Instances.Images.Sum(image => set.Instances.Of(image.Id).Count)));
        Assert.Equal(["car", "pedestrian", "bicyclist", "sign"], set.Classes);
        foreach (var image in set.Instances.Images)
        foreach (var annotation in set.Instances.Of(image.Id))
            Assert.Equal(
                (annotation.Area, annotation.Box),
                (set.Instances.Mask(annotation).Area, set.Instances.Mask(annotation).Box)
            );
        var loader = new CocoLoader(
            set,
            DetectionTransform.Test with
            {
                Resize = new ShortSideResize(90, 120),
            },
            new() { BatchSize = 4, Multiple = 8 }
        );
        using var batch = loader.Epoch(0, cancellation: TestContext.Current.CancellationToken).First();
        Assert.Equal([4, 3, 96, 120], batch.Images.shape);
        using var padding = batch.Padding();
        Assert.NotNull(padding);
        using var first = set.Read(0);
        Assert.Equal(first.Objects.Count, batch.Objects![0].Classes.shape[0]);
    }

    // The mask is a rectangle that fills the box.
    private static bool Fits(SampleObject entry, int width)
    {
        for (int at = 0; at < entry.Mask.Length; at++)
        {
            var (y, x) = Math.DivRem(at, width);
            if (entry.Mask[at] != (x >= entry.Left && x < entry.Right && y >= entry.Top && y < entry.Bottom ? 1 : 0))
                return false;
        }
        return true;
    }

    private static string Text(SampleObject entry) =>
        $"{entry.Class}: {entry.Left} {entry.Top} {entry.Right} {entry.Bottom} {Convert.ToHexString(entry.Mask)}";
}
