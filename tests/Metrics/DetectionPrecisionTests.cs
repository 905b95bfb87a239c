using PatchKit.Data;
using PatchKit.Metrics;
using PatchKit.Tests.Models.Detection;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Metrics;

/// <summary>COCO's average precision of what a detector found.</summary>
public sealed class DetectionPrecisionTests
{
    [Fact]
    public void WhoFindsAllHasAPrecisionOfOne()
    {
        using var scope = NewDisposeScope();
        var precision = new DetectionPrecision();
        using var batch = SmallDetector.Images(5);
        foreach (var objects in batch.Objects!)
        {
            int count = (int)objects.Classes.shape[0];
            precision.Add(
                new Detections(objects.Boxes, ones(count), objects.Classes, ones([count, 4, 4], float32)),
                objects
            );
        }
        var (box, mask, _) = precision.Scores();
        Assert.Equal((1, 1, 1, -1), (box.Ap, box.Ap50, box.Recall, box.Small));
        Assert.InRange(mask.Ap, .01, .99); // an ellipse is not its box

        var nothing = new DetectionPrecision();
        foreach (var objects in batch.Objects!)
            nothing.Add(
                new Detections(
                    zeros([0, 4], float32),
                    zeros([0], float32),
                    zeros([0], ScalarType.Int64),
                    zeros([0, 4, 4], float32)
                ),
                objects
            );
        Assert.Equal(0, nothing.Scores().Box.Ap);
    }
}
