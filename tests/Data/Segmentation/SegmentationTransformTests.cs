using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Segmentation;
using Xunit;

namespace PatchKit.Tests.Data.Segmentation;

/// <summary>Joint augmentation: image and labels go through the same places.</summary>
public sealed class SegmentationTransformTests
{
    private static readonly Normalization s_plain = new((0, 0, 0), (1, 1, 1));

    [Theory]
    [InlineData(24, 32, 0), InlineData(60, 80, 0), InlineData(48, 48, 90), InlineData(20, 20, 40)]
    public void ImageAndLabelsStayAligned(int height, int width, int shorterSide)
    {
        var (image, labels) = Scenes.Coordinates(80, 60);
        var transform = new SegmentationTransform(height, width)
        {
            ShorterSide = shorterSide,
            Distortion = null,
            Normalization = s_plain,
        };
        var (planes, classes) = (new float[3 * height * width], new byte[height * width]);
        long seen = 0,
            flipped = 0,
            padded = 0;
        for (int draw = 0; draw < 60; draw++)
        {
            var random = new SampleRandom(5, 0, draw);
            transform.Apply(image, labels, planes, classes, ref random);
            for (int at = 0; at < classes.Length; at++)
            {
                float blue = planes[2 * classes.Length + at];
                if (classes[at] == LabelMap.Ignored)
                {
                    padded++;
                    Assert.Equal(0, blue); // nothing is there
                    continue;
                }
                Assert.InRange(blue * 255, 99, 101);
                // where in the original the pixel is from
                double x = planes[at] * 255 / 2,
                    y = planes[classes.Length + at] * 255 / 2;
                if (Math.Abs(x - 39.5) < 1.6 || Math.Abs(y - 29.5) < 1.6)
                    continue; // beside an edge of the labels
                Assert.Equal((y < 29.5 ? 0 : 2) + (x < 39.5 ? 0 : 1), classes[at]);
                seen++;
            }
            if (planes[0] > planes[1])
                flipped++;
        }
        Assert.True(seen > 60 * 100);
        Assert.InRange(flipped, 15, 45);
        Assert.Equal(height >= 48, padded > 0);
        image.Dispose();
    }

    [Fact]
    public void PaddingIsBelowAndAtTheRight()
    {
        var (image, labels) = Scenes.Coordinates(20, 10);
        var transform = new SegmentationTransform(16, 32)
        {
            Ratio = (1, 1),
            Distortion = null,
            Normalization = s_plain,
        };
        var (planes, classes) = (new float[3 * 16 * 32], new byte[16 * 32]);
        for (int draw = 0; draw < 4; draw++)
        {
            var random = new SampleRandom(1, 0, draw);
            transform.Apply(image, labels, planes, classes, ref random);
            for (int at = 0; at < classes.Length; at++)
                Assert.Equal(at / 32 < 10 && at % 32 < 20, classes[at] != LabelMap.Ignored);
        }
        image.Dispose();
    }

    [Fact]
    public void TheSameDrawIsTheSameImageAndDistortionLeavesLabelsAlone()
    {
        var (image, labels) = Scenes.Coordinates(80, 60);
        var (planes, classes) = (new float[3 * 32 * 32], new byte[32 * 32]);
        var (again, same) = (new float[3 * 32 * 32], new byte[32 * 32]);
        var transform = new SegmentationTransform(32, 32);
        var (one, two, three) = (new SampleRandom(5, 0, 7), new SampleRandom(5, 0, 7), new SampleRandom(5, 0, 7));
        transform.Apply(image, labels, planes, classes, ref one);
        transform.Apply(image, labels, again, same, ref two);
        Assert.Equal(planes, again);
        Assert.Equal(classes, same);
        (transform with { Distortion = null }).Apply(image, labels, again, same, ref three);
        Assert.Equal(classes, same);
        image.Dispose();
    }

    [Fact]
    public void NoClassFillsACropIfThatCanBeHelped()
    {
        var image = new Image(64, 64);
        image.Pixels.Fill(9);
        var labels = new LabelMap(64, 64, new byte[64 * 64]);
        for (int at = 0; at < labels.Classes.Length; at++)
            labels.Classes[at] = (byte)(at % 64 < 44 ? 0 : 1);
        Assert.True(Filled(.75) < Filled(1) / 2);
        image.Dispose();

        int Filled(double largest)
        {
            int filled = 0;
            var (planes, classes) = (new float[3 * 16 * 16], new byte[16 * 16]);
            for (int draw = 0; draw < 100; draw++)
            {
                var random = new SampleRandom(3, 0, draw);
                (new SegmentationTransform(16, 16) { Ratio = (1, 1), LargestClass = largest }).Apply(
                    image,
                    labels,
                    planes,
                    classes,
                    ref random
                );
                if (classes.Distinct().Count() == 1)
                    filled++;
            }
            return filled;
        }
    }

    [Fact]
    public void DistortionKeepsGreyGreyAndMovesColours()
    {
        using var image = new Image(2, 1, [200, 100, 50, 120, 120, 120]);
        var changed = new HashSet<string>();
        for (int draw = 0; draw < 50; draw++)
        {
            using var own = image.Clone();
            var random = new SampleRandom(1, 0, draw);
            new PhotometricDistortion().Apply(own, ref random);
            Assert.True(own.Pixels[3] == own.Pixels[4] && own.Pixels[4] == own.Pixels[5]);
            changed.Add(string.Join(' ', own.Pixels.ToArray()));
        }
        Assert.True(changed.Count > 30);
        using var still = image.Clone();
        var any = new SampleRandom(1, 0, 0);
        new PhotometricDistortion(0).Apply(still, ref any);
        Assert.Equal(image.Pixels.ToArray(), still.Pixels.ToArray());
    }
}
