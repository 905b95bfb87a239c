using PatchKit.Metrics;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Metrics;

/// <summary>What the golden numbers do not cover: ignored pixels, batches, and what is refused.</summary>
public sealed class ConfusionMatrixTests
{
    [Fact]
    public void IgnoredPixelsDoNotCount()
    {
        var confusion = new ConfusionMatrix(2);
        Assert.True(double.IsNaN(confusion.MIoU));
        confusion.Add(tensor(new long[] { 0, 1, 1, 0 }), tensor(new long[] { 0, 255, 255, 1 }));
        confusion.Add(tensor(new long[] { 1 }), tensor(new long[] { 255 }));
        Assert.Equal((2, 1, 1), (confusion.Pixels, confusion[0, 0], confusion[1, 0]));
        Assert.Equal((.5, .25, .5), (confusion.AAcc, confusion.MIoU, confusion.MAcc));
    }

    [Fact]
    public void BatchesAddUp()
    {
        using var scope = NewDisposeScope();
        var (guesses, labels) = (randint(5, [4, 8, 8], int64), randint(5, [4, 8, 8], int64));
        ConfusionMatrix whole = new(5),
            parts = new(5);
        whole.Add(guesses, labels);
        for (int i = 0; i < 4; i++)
            parts.Add(guesses[i], labels[i]);
        Assert.Equal(
            (whole.IoU, whole.Accuracy),
            (parts.IoU, parts.Accuracy),
            (a, b) => a.IoU.SequenceEqual(b.IoU) && a.Accuracy.SequenceEqual(b.Accuracy)
        );
    }

    [Fact]
    public void AClassOutOfRangeAndOtherShapesAreRefused()
    {
        var confusion = new ConfusionMatrix(2);
        Assert.Contains(
            "labelled 2",
            Assert
                .Throws<ArgumentException>(() => confusion.Add(tensor(new long[] { 0 }), tensor(new long[] { 2 })))
                .Message
        );
        Assert.Contains(
            "predicted 7",
            Assert
                .Throws<ArgumentException>(() => confusion.Add(tensor(new long[] { 7 }), tensor(new long[] { 0 })))
                .Message
        );
        Assert.Contains(
            "not of the same pixels",
            Assert.Throws<ArgumentException>(() => confusion.Add(zeros([2], int64), zeros([3], int64))).Message
        );
        Assert.Throws<ArgumentException>(() => new ConfusionMatrix(0));
    }
}
