using PatchKit.Patchify;
using PatchKit.Tests.Golden;
using PatchKit.Tests.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Patchify;

/// <summary>Longer sequences, other patch sizes, and what a token can keep.</summary>
public sealed class TokenTests
{
    public TokenTests() => manual_seed(5);

    [Fact]
    public void ExtendedTokensLieBetweenTheirNeighbours()
    {
        var tokens = tensor([0.0, 4, 8, 12]).reshape(1, 4, 1); // a 2 x 2 grid
        Expect.Is(
            "[[[0, 1, 3, 4], [2, 3, 5, 6], [6, 7, 9, 10], [8, 9, 11, 12]]]",
            TokenExtension.Extend(tokens, new(2, 2), new(4, 4)).reshape(1, 4, 4)
        );
        Expect.Is(
            "[[[0, 1, 3, 4], [8, 9, 11, 12]]]",
            TokenExtension.Extend(tokens, new(2, 2), new(2, 4)).reshape(1, 2, 4)
        );
        Expect.Is(
            "[[[0, 0, 4, 4], [8, 8, 12, 12]]]",
            TokenExtension.Extend(tokens, new(2, 2), new(2, 4), InterpolationMode.Nearest).reshape(1, 2, 4)
        );
    }

    [Fact]
    public void TokensOfTheSameGridAreLeftAlone()
    {
        var tokens = randn([2, 6, 3]);
        Expect.SameBits(tokens, TokenExtension.Extend(tokens, new(2, 3), new(2, 3)));
        Expect.Refused<ArgumentException>(
            () => TokenExtension.Extend(tokens, new(2, 2), new(4, 4)),
            "6 tokens",
            "2x2",
            "class tokens"
        );
    }

    [Fact]
    public void APositionEmbeddingThatDoesNotFitItsGridIsRefused() =>
        Expect.Refused<ArgumentException>(
            () => PositionEmbedding.Resize(randn([1, 9, 3]), new(3, 3), new(4, 4), ClsToken.Last),
            "[1, 9, 3]",
            "3x3",
            "[1, 10, D]"
        );

    [Theory]
    [InlineData(4, 8)]
    [InlineData(4, 7)]
    [InlineData(2, 16)]
    public void ATransferredEmbeddingGivesAnUpsampledPatchItsOldToken(int from, int to)
    {
        using var scope = NewDisposeScope();
        var weight = randn([5, 3, from, from], ScalarType.Float64);
        var patches = randn([6, 3, from, from], ScalarType.Float64);
        var larger = nn.functional.interpolate(patches, [to, to], mode: InterpolationMode.Bilinear);
        var transferred = PatchTransfer.Resize(weight, to);
        Assert.Equal([5, 3, to, to], transferred.shape);
        Assert.InRange(GoldenFile.Error(Tokens(larger, transferred), Tokens(patches, weight)), 0, 1e-10);

        static Tensor Tokens(Tensor patches, Tensor weight) =>
            patches.flatten(1).matmul(weight.flatten(1).transpose(0, 1));
    }

    [Fact]
    public void TokensOfAResizedImageStayNearTheOldOnes()
    {
        using var scope = NewDisposeScope();
        // A smooth image: bilinear resizing looks beyond a patch's edge, where a smooth image tells little news.
        var images = nn.functional.interpolate(
            randn([1, 3, 4, 4], ScalarType.Float64),
            [32, 32],
            mode: InterpolationMode.Bicubic
        );
        var weight = randn([16, 3, 4, 4], ScalarType.Float64);
        var tokens = nn.functional.conv2d(images, weight, strides: [4, 4]);
        var larger = nn.functional.interpolate(images, [64, 64], mode: InterpolationMode.Bilinear);
        var same = nn.functional.conv2d(larger, PatchTransfer.Resize(weight, 8), strides: [8, 8]);
        Assert.InRange(((same - tokens).norm() / tokens.norm()).item<double>(), 0, 0.05);
    }

    [Fact]
    public void TheSamePatchSizeIsACopy()
    {
        var weight = randn([5, 3, 4, 4]);
        var copy = PatchTransfer.Resize(weight, 4);
        Expect.SameBits(weight, copy);
        copy.zero_();
        Assert.NotEqual(0, weight.abs().sum().item<float>());
        Expect.Refused<ArgumentException>(() => PatchTransfer.Resize(weight, 65), "65", "1..64");
    }

    [Fact]
    public void ASmallerPatchSizeNearlyKeepsTheTokenOfAConstantImage()
    {
        var weight = ones([1, 1, 8, 8], ScalarType.Float64);
        Assert.Equal(64, PatchTransfer.Resize(weight, 4).sum().item<double>(), 2.0);
    }

    [Fact]
    public void ATokenAsWideAsItsPatchKeepsEverything()
    {
        using var scope = NewDisposeScope();
        var images = randn([2, 3, 16, 24], ScalarType.Float64);
        var information = PatchInformation.Keep(images, patchSize: 4, embedDim: 48);
        Assert.Equal(1, information.KeptVariance, 1e-12);
        Assert.InRange(GoldenFile.Error(information.Images, images), 0, 1e-12);
        Assert.Equal(1, PatchInformation.Keep(images, 4, 768).KeptVariance, 1e-12);
    }

    [Fact]
    public void ANarrowerTokenKeepsLessAndWhatItLosesIsTheError()
    {
        using var scope = NewDisposeScope();
        var images = randn([4, 3, 32, 32], ScalarType.Float64);
        var rows = Patches.Split(images, 8).flatten(0, 1);
        double variance = (rows - rows.mean([0], keepdim: true)).square().sum().item<double>(),
            before = 1;
        foreach (int dim in new[] { 48, 16, 4, 1 })
        {
            var information = PatchInformation.Keep(images, 8, dim);
            Assert.InRange(information.KeptVariance, 0.001, before - 0.01);
            Assert.Equal(
                1 - information.KeptVariance,
                (information.Images - images).square().sum().item<double>() / variance,
                1e-9
            );
            before = information.KeptVariance;
        }
        Expect.Refused<ArgumentException>(() => PatchInformation.Keep(images, 8, 0), "0");
    }

    [Fact]
    public void TheCumulativeVarianceIsWhatEachWidthKeeps()
    {
        using var scope = NewDisposeScope();
        var images = randn([4, 3, 16, 24], ScalarType.Float64);
        var kept = PatchInformation.CumulativeVariance(images, 4);
        Assert.Equal(48, kept.Count);
        foreach (int dim in new[] { 1, 7, 47, 48 })
            Assert.Equal(PatchInformation.Keep(images, 4, dim).KeptVariance, kept[dim - 1], 1e-9);
        Assert.All(PatchInformation.CumulativeVariance(zeros([1, 3, 8, 8]), 4), part => Assert.Equal(1, part));
    }

    [Fact]
    public void AnyTokensKeepAtMostWhatTheBestDo()
    {
        using var scope = NewDisposeScope();
        var images = randn([4, 3, 32, 32], ScalarType.Float64);
        var patches = Patches.Split(images, 4); // (4, 64, 48)
        var some = PatchInformation.KeptBy(images, 4, patches.narrow(2, 0, 12) * 3 - 1);
        Assert.InRange(some.KeptVariance, 12 / 48.0, PatchInformation.Keep(images, 4, 12).KeptVariance);
        Assert.InRange(
            GoldenFile.Error(Patches.Split(some.Images, 4).narrow(2, 0, 12), patches.narrow(2, 0, 12)),
            0,
            1e-9
        );
        Assert.Equal(
            1,
            PatchInformation.KeptBy(images, 4, patches.matmul(randn([48, 60], ScalarType.Float64))).KeptVariance,
            1e-9
        );
        Assert.Equal(0, PatchInformation.KeptBy(images, 4, ones([4, 64, 5], ScalarType.Float64)).KeptVariance, 1e-9);
        Expect.Refused<ArgumentException>(
            () => PatchInformation.KeptBy(images, 4, patches.narrow(1, 0, 63)),
            "63",
            "8x8"
        );
    }

    [Fact]
    public void ABlankImageHasNothingToLose() =>
        Assert.Equal(1, PatchInformation.Keep(zeros([1, 3, 8, 8]), 4, 2).KeptVariance);
}
