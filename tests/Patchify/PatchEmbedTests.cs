using PatchKit.Patchify;
using PatchKit.Tests.Golden;
using PatchKit.Tests.Torch;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Patchify;

/// <summary>Images to tokens.</summary>
public sealed class PatchEmbedTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(64)]
    public void TokensAreThoseOfAConvolution(int patchSize)
    {
        using var scope = NewDisposeScope();
        using var embed = new PatchEmbed(patchSize, embedDim: 5).to(ScalarType.Float64);
        Tensor[] Results(Func<Tensor, Tensor> tokens)
        {
            var images = Images(2, 2 * patchSize, 3 * patchSize).requires_grad_();
            var y = tokens(images);
            return [y, .. autograd.grad([y.square().sum()], [images, embed.Weight, embed.Bias])];
        }
        var expected = Results(images =>
            nn.functional.conv2d(images, embed.Weight, embed.Bias, strides: [patchSize, patchSize])
                .flatten(2)
                .transpose(1, 2)
        );
        var actual = Results(embed.call);
        Assert.Equal([2, 6, 5], actual[0].shape);
        foreach (var (reference, result) in expected.Zip(actual))
            Assert.InRange(GoldenFile.Error(result, reference), 0, 1e-12);
    }

    [Theory]
    [InlineData(224, 224, 5, "patch size 5 does not divide image size 224; use a divisor such as 4, 7 or 8.")]
    [InlineData(224, 160, 7, "patch size 7 does not divide image size 224x160; use a divisor such as 2, 4 or 8.")]
    [InlineData(13, 13, 4, "patch size 4 does not divide image size 13; use a divisor such as 1 or 13.")]
    [InlineData(17, 19, 2, "patch size 2 does not divide image size 17x19; use a divisor such as 1.")]
    [InlineData(224, 224, 0, "patch size 0 is outside 1..64; 1 makes each pixel a token.")]
    [InlineData(650, 650, 65, "patch size 65 is outside 1..64; 1 makes each pixel a token.")]
    [InlineData(0, 4, 2, "an image of 0x4 pixels has no patches; both sizes must be at least 1.")]
    public void AnErrorNamesTheSizesAndDivisors(int height, int width, int patchSize, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<ArgumentException>(() => PatchGrid.Of(height, width, patchSize)).Message);

    [Fact]
    public void ThePatchSizeIsCheckedAgainstEachImage()
    {
        using var embed = new PatchEmbed(4, embedDim: 5);
        Expect.Refused<ArgumentException>(() => embed.call(randn([1, 3, 8, 10])), "patch size 4", "8x10", "1 or 2");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(6)]
    public void JoinUndoesSplit(int patchSize)
    {
        var images = Images(2, 6, 12);
        var patches = Patches.Split(images, patchSize);
        Assert.Equal([2, 72 / (patchSize * patchSize), 3 * patchSize * patchSize], patches.shape);
        Expect.SameBits(images, Patches.Join(patches, PatchGrid.Of(6, 12, patchSize), patchSize));
        Expect.Refused<ArgumentException>(() => Patches.Join(patches, new(5, 5), patchSize), "5x5", "25");
    }

    [Fact]
    public void APatchIsARowOfItsChannels()
    {
        var images = arange(24, ScalarType.Float64).reshape(1, 2, 3, 4).narrow(2, 0, 2); // two channels of 2 x 4 pixels
        Expect.Is("[[[0, 1, 4, 5, 12, 13, 16, 17], [2, 3, 6, 7, 14, 15, 18, 19]]]", Patches.Split(images, 2));
    }

    [Fact]
    public void PixelsAreNotCopied()
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        const int side = 128,
            dim = 8;
        using var embed = new PatchEmbed(1, dim);
        var images = randn([1, 3, side, side]);
        Assert.Equal(0, Grown(() => Patches.Split(images, 1)));
        Assert.InRange(
            Grown(() => embed.call(images)),
            side * side * dim * sizeof(float),
            side * side * dim * sizeof(float) + 4096
        );
    }

    private static long Grown(Action run)
    {
        long before = Engine.Memory().LiveBytes;
        Engine.ResetPeakMemory();
        run();
        return Engine.Memory().PeakBytes - before;
    }

    private static Tensor Images(long batch, long height, long width)
    {
        manual_seed(2);
        return randn([batch, 3, height, width], ScalarType.Float64);
    }
}
