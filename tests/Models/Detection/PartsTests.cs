using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Models.Detection;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models.Detection;

/// <summary>The parts of a detector by themselves, against numbers worked out by hand.</summary>
public sealed class PartsTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void AnchorsStandOnTheMiddlesOfCells()
    {
        var anchors = Anchors.Of(2, 3, 4, 2, [1, 4]); // 8 x 8, and 4 wide by 16 high
        Assert.Equal([12, 4], anchors.shape);
        Assert.Equal([-2, -2, 6, 6], Numbers(anchors[0]));
        Assert.Equal([0, -6, 4, 10], Numbers(anchors[1]));
        Assert.Equal([6, 2, 14, 10], Numbers(anchors[10])); // the last cell: row 1, column 2
    }

    [Fact]
    public void BoxesMatchTheObjectThatTheyOverlapMost()
    {
        var objects = tensor(new float[] { 0, 0, 10, 10, 20, 20, 30, 30 }, [2, 4]);
        // overlaps 1, .5, .4, 0
        var boxes = tensor(new float[] { 0, 0, 10, 10, 0, 0, 10, 5, 22, 20, 40, 30, 50, 50, 60, 60 }, [4, 4]);
        var plain = BoxMatch.Of(boxes, objects, .7, .3);
        Assert.Equal([1, -1, -1, 0], plain.Labels.data<long>());
        Assert.Equal([0, 0, 1], plain.Objects.data<long>().Take(3));
        Assert.Equal([1, -1, 1, 0], BoxMatch.Of(boxes, objects, .7, .3, best: true).Labels.data<long>());
        Assert.Equal([1, 1, 0, 0], BoxMatch.Of(boxes, objects, .5, .5).Labels.data<long>());
        Assert.Equal([0, 0, 0, 0], BoxMatch.Of(boxes, zeros([0, 4], float32), .5, .5, best: true).Labels.data<long>());
        Assert.Empty(BoxMatch.Of(zeros([0, 4], float32), objects, .5, .5).Labels.data<long>().ToArray());
    }

    [Fact]
    public void ASampleIsBalancedAndRepeats()
    {
        var labels = tensor(
            Enumerable
                .Range(0, 100)
                .Select(i =>
                    i < 30 ? 1L
                    : i < 35 ? -1
                    : 0
                )
                .ToArray()
        );
        var (positive, negative) = Draw(7);
        Assert.Equal((8, 8), (positive.Length, negative.Length));
        Assert.All(positive, place => Assert.InRange(place, 0, 29));
        Assert.All(negative, place => Assert.InRange(place, 35, 99));
        Assert.Equal(8, positive.Distinct().Count());
        Assert.Equal(positive, Draw(7).Positive);
        Assert.NotEqual(positive, Draw(8).Positive);
        var (few, many) = Draw(7, labels.narrow(0, 28, 72));
        Assert.Equal((2, 14), (few.Length, many.Length)); // background fills up

        (long[] Positive, long[] Negative) Draw(long seed, Tensor? of = null)
        {
            var random = new SampleRandom(seed, 0, 0);
            return BalancedSample.Draw(of ?? labels, 16, .5, ref random);
        }
    }

    [Theory]
    [InlineData(16, 4, new[] { 4, 8, 16, 32 }, new[] { 12L, 6, 3, 1 })]
    [InlineData(2, 2, new[] { 2, 4, 8, 16, 32 }, new[] { 24L, 12, 6, 3, 1 })]
    [InlineData(1, 1, new[] { 1, 2, 4, 8, 16, 32 }, new[] { 48L, 24, 12, 6, 3, 1 })]
    public void ThePyramidIsFinerWhereThePatchIs(int patch, int finest, int[] strides, long[] sides)
    {
        Assert.Equal(strides, new DetectorConfig().StridesFor(patch));
        Assert.Equal(finest, strides[0]);
        using var pyramid = new FeaturePyramid(16, patch, 8, strides);
        var levels = pyramid.call(randn([2, 16, 48 / patch, 48 / patch]));
        Assert.Equal(sides, levels.Select(level => level.shape[2]));
        Assert.All(levels, level => Assert.Equal((2, 8), (level.shape[0], level.shape[1])));
    }

    [Fact]
    public void StridesThatCannotBeMadeAreRefused()
    {
        string message = Assert.Throws<ArgumentException>(() => new FeaturePyramid(16, 12, 8, [4])).Message;
        Assert.Contains("stride 4", message);
        Assert.Contains("12", message);
        Assert.Throws<ArgumentException>(() => (new DetectorConfig() with { Cascade = [] }).Checked());
        Assert.Throws<ArgumentException>(() => (new DetectorConfig() with { PositiveShare = 0 }).Checked());
    }

    [Fact]
    public void RegionsAreCutFromTheLevelThatSuitsTheirSize()
    {
        int[] strides = [4, 8, 16, 32];
        var rois = tensor(
            new float[] { 0, 0, 0, 224, 224, 0, 0, 0, 112, 112, 0, 0, 0, 111, 111, 0, 0, 0, 8, 8, 0, 0, 0, 900, 900 },
            [5, 5]
        );
        Assert.Equal([2, 1, 0, 0, 3], RegionPool.Level(rois, strides).data<long>());
        var levels = strides.Select((stride, i) => full([1, 1, 1024 / stride, 1024 / stride], i, float32)).ToList();
        // in the regions' own order
        Assert.Equal([2, 1, 0, 0, 3], Numbers(RegionPool.Cut(levels, strides, rois, 1).flatten().round()));
        Assert.Equal([0, 1, 2, 2], RegionPool.Cut(levels, strides, zeros([0, 5], float32), 2).shape);
    }

    [Fact]
    public void AMaskIsDrawnOverItsBox()
    {
        var found = new Detections(
            tensor(new float[] { 2, 1, 6, 5, 0, 0, 0, 0, -2, -2, 2, 2 }, [3, 4]),
            ones(3),
            zeros([3], ScalarType.Int64),
            ones([3, 2, 2], float32)
        );
        var masks = found.Pasted(6, 8);
        Assert.Equal([3, 6, 8], masks.shape);
        Assert.Equal(16, masks[0].sum().item<long>());
        Assert.Equal(16, masks[0].slice(0, 1, 5, 1).slice(1, 2, 6, 1).sum().item<long>());
        Assert.Equal(0, masks[1].sum().item<long>()); // a box without area
        Assert.Equal(4, masks[2].sum().item<long>()); // what lies outside is cut off
        Assert.Equal([4, 2, 12, 10], Numbers(found.Scaled(2, 2).Boxes[0]));
    }

    [Fact]
    public void WantedMasksAreTheObjectsInTheirRegions()
    {
        var masks = zeros([2, 8, 8], ScalarType.Bool);
        masks.select(0, 1).slice(0, 0, 4, 1).fill_(true); // the upper half is object 1
        var wanted = MaskHead.Wanted(
            masks,
            tensor(new long[] { 1, 0 }),
            tensor(new float[] { 0, 0, 8, 8, 0, 0, 8, 8 }, [2, 4]),
            (4, 4)
        );
        Assert.Equal([1, 1, 0, 0], Numbers(wanted[0].select(1, 0)));
        Assert.Equal(0, wanted[1].sum().item<float>());
        var logits = arange(2 * 3 * 4, dtype: float32).view(2, 3, 2, 2);
        Assert.Equal([8, 12], Numbers(MaskHead.OfClass(logits, tensor(new long[] { 2, 0 })).flatten(1).select(1, 0)));
    }

    private static float[] Numbers(Tensor values) => [.. values.contiguous().data<float>()];
}
