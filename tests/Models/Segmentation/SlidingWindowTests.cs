using PatchKit.Models;
using PatchKit.Models.Segmentation;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models.Segmentation;

/// <summary>Windows against the whole image.</summary>
public sealed class SlidingWindowTests
{
    [Theory]
    [
        InlineData(16, 16, 16, 11),
        InlineData(33, 16, 16, 10),
        InlineData(20, 50, 16, 7),
        InlineData(9, 40, 16, 16),
        InlineData(8, 8, 16, 8),
        InlineData(64, 47, 16, 1)
    ]
    public void EqualTheWholeImageOnATranslationInvariantHead(int height, int width, int size, int stride)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var head = nn.Conv2d(3, 5, 1); // each pixel by itself
        var images = randn([2, 3, height, width]);
        var windowed = new SlidingWindow(size, stride).Score(head.call, images);
        var whole = head.call(images);
        Assert.Equal(whole.shape, windowed.shape);
        Assert.True((windowed - whole).abs().max().item<float>() < 1e-5);
        Assert.True(windowed.argmax(1).eq(whole.argmax(1)).all().item<bool>());
    }

    [Fact]
    public void WindowsEndAtTheEdge()
    {
        Assert.Equal([(0, 16), (10, 16), (17, 16)], new SlidingWindow(16, 10).Places(33));
        Assert.Equal([(0, 16)], new SlidingWindow(16, 10).Places(16));
        Assert.Equal([(0, 9)], new SlidingWindow(16, 10).Places(9));
    }

    [Theory, InlineData(16, 0), InlineData(16, 17), InlineData(0, 1)]
    public void WindowsThatDoNotCoverAreRefused(int size, int stride) =>
        Assert.Throws<ArgumentException>(() =>
            new SlidingWindow(size, stride).Score(images => images, zeros([1, 3, 20, 20]))
        );

    [Fact]
    public void AModelScoresAnImageThatIsSmallerThanTheWindowAsAWhole()
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var model = new Segmenter(SmallNet.Vit(16, 4, 0), 5);
        model.eval();
        var images = randn([1, 3, 12, 20]);
        Assert.Equal(
            0,
            (new SlidingWindow(20, 10).Score(model.call, images) - model.call(images)).abs().max().item<float>()
        );
    }
}
