using PatchKit.Data;
using PatchKit.Experiments.Tables;
using PatchKit.Models;
using PatchKit.Models.Segmentation;
using PatchKit.Training.Tasks;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models.Segmentation;

/// <summary>Shapes, strides, gradients and parameter counts of the heads and of the model they make.</summary>
public sealed class SegmenterTests
{
    private static readonly SegmentationConfig s_upernet = SegmentationConfig.UperNet(16) with { Auxiliary = true };

    [Theory]
    [InlineData(16, "4 8 16 32")]
    [InlineData(8, "4 8 16 32")]
    [InlineData(4, "4 8 16 32")]
    [InlineData(30, "4 8 16 32")]
    [InlineData(10, "4 8 16 32")]
    [InlineData(3, "3 6 12 24")]
    [InlineData(2, "2 4 8 16")]
    [InlineData(1, "1 2 4 8")]
    public void MapsStandAtAbsoluteStrides(int patch, string strides)
    {
        using var scope = NewDisposeScope();
        using var pyramid = new Feature2Pyramid(8, patch);
        Assert.Equal(strides, string.Join(' ', pyramid.Strides));
        foreach (var (rows, columns) in new[] { (4, 3), (1, 1), (6, 8) })
        {
            var maps = pyramid.Maps(randn([2, 8, rows, columns]));
            for (int level = 0; level < 4; level++)
                Assert.Equal(
                    [2, 8, Up(rows * patch, pyramid.Strides[level]), Up(columns * patch, pyramid.Strides[level])],
                    maps[level].shape
                );
        }

        static long Up(int pixels, int stride) => (pixels + stride - 1) / stride;
    }

    [Theory]
    [InlineData(false, 8), InlineData(false, 4), InlineData(false, 2), InlineData(true, 4), InlineData(true, 1)]
    public void ScoresAreOfTheImagesSize(bool adventurer, int patch)
    {
        using var scope = NewDisposeScope();
        foreach (var decoder in new[] { SegmentationConfig.Linear, s_upernet })
        {
            using var model = new Segmenter(Config(adventurer, patch), 5, decoder);
            Assert.Equal([2, 5, 16, 16], model.call(randn([2, 3, 16, 16])).shape);
            Assert.Equal([1, 5, 24, 8], model.call(randn([1, 3, 24, 8])).shape);
            Assert.Equal([1, 5, 19, 13], model.call(randn([1, 3, 19, 13])).shape); // padded, and cut again
            var (main, auxiliary) = model.Scores(randn([1, 3, 16, 16]));
            Assert.Equal(decoder.Auxiliary, auxiliary is not null);
            Assert.Equal(main.shape, (auxiliary ?? main).shape);
            Assert.Null(model.FirstNonFinite(randn([1, 3, 16, 16])));
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void EveryParameterGetsAGradient(bool adventurer)
    {
        using var scope = NewDisposeScope();
        foreach (var decoder in new[] { SegmentationConfig.Linear, s_upernet })
        {
            using var model = new Segmenter(Config(adventurer, 8), 5, decoder);
            var loss = new SegmentationObjective(model)
                .Losses(
                    new Batch(randn([2, 3, 32, 32]), zeros([2], int64), Dense: randint(5, [2, 32, 32], int64)),
                    0,
                    1
                )
                .Single();
            loss.backward();
            foreach (var (name, parameter) in model.named_parameters())
                Assert.True(
                    parameter.grad is { } grad
                        && grad.isfinite().all().item<bool>()
                        && grad.abs().max().item<float>() > 0,
                    name
                );
        }
    }

    [Fact]
    public void PartsOfABatchAndIgnoredPixels()
    {
        using var scope = NewDisposeScope();
        using var model = new Segmenter(Config(false, 8), 3);
        var labels = randint(3, [4, 16, 16], int64);
        // half of the images have no label at all
        labels.narrow(0, 0, 2).fill_(255);
        var batch = new Batch(randn([4, 3, 16, 16]), zeros([4], int64), Dense: labels);
        var objective = new SegmentationObjective(model);
        double whole = objective.Losses(batch, 0, 1).Single().item<float>();
        double[] parts = [.. objective.Losses(batch, 0, 2).Select(loss => (double)loss.item<float>())];
        Assert.Equal(0, parts[0]);
        Assert.Equal(whole, parts.Average(), 1e-5);
        var scores = model.call(batch.Images.narrow(0, 2, 2));
        Assert.Equal(whole, nn.functional.cross_entropy(scores, labels.narrow(0, 2, 2)).item<float>(), 1e-5);
        labels.fill_(255);
        Assert.Equal(0, objective.Losses(batch, 0, 1).Single().item<float>()); // not NaN
        Assert.Throws<ArgumentException>(() => objective.Losses(batch with { Dense = null }, 0, 1));
    }

    [Theory]
    [InlineData(256, 16), InlineData(768, 16), InlineData(768, 8), InlineData(768, 2)]
    public void UperNetHasAsManyParametersAsItsParts(int d, int patch)
    {
        const int c = SegmentationConfig.PaperChannels,
            k = 150;
        // strides 4 and 8 of 16; stride 4 of 8
        int doublings =
            patch == 16 ? 3
            : patch == 8 ? 1
            : 0;
        // and the one norm between two of them
        long deconvolutions = doublings * (4L * d * d + d) + (patch == 16 ? 2 * d : 0);
        long convolutions = 4L * d * c + 9L * (d + 4 * c) * c + 3L * d * c + 3 * 9L * c * c + 9L * 4 * c * c,
            norms = 12L * 2 * c,
            classifier = (c + 1L) * k;
        using var head = new UperNet(d, patch, k);
        Assert.Equal(
            deconvolutions + convolutions + norms + classifier,
            head.parameters().Sum(parameter => parameter.numel())
        );
    }

    /// <summary>Table 2's column "Params" and Figure 2's caption, at the precision they are printed in.</summary>
    [Fact, Trait("speed", "seconds")]
    public void ParametersBesideThePapers()
    {
        var rows = Table2.Parameters().Rows;
        Assert.Equal(
            ["17", "12", "12", "13", "13", "112", "99", "99", "100", "100", "13", "0.2"],
            rows.Select(row => row[2])
        );
        var differ = rows.Where(row => row[4] == "differs").Select(row => $"{row[0]} {row[1]}: {row[3]}").ToList();
        TestContext.Current.TestOutputHelper?.WriteLine(Table2.Parameters().ToString());
        Assert.Equal("agrees", rows[0][4]); // UperNet on Adventurer-T
        // with the head of 1,000 classes, as Table 7 counts: all but Adventurer-T at 4 and both at 2
        Assert.All(new[] { 0, 1, 2, 5, 6, 7, 8 }, row => Assert.Equal("agrees", rows[row][6]));
        Assert.Equal("agrees", rows[10][4]); // UperNet itself
        // 768 x 150 + 150 = 115,350, where the caption says 0.2M
        Assert.Contains("Figure 2: linear layer all: 0.12", differ);
    }

    [Fact]
    public void WidthsThatDoNotWork()
    {
        Assert.Contains("192", Assert.Throws<ArgumentException>(() => new UperNet(32, 8, 5, 0)).Message);
        Assert.Throws<ArgumentException>(() => new Segmenter(Config(false, 8), 0));
    }

    [Fact]
    public void MacsOfTheLinearLayerAndOfUperNet()
    {
        var task = new SegmentationTask();
        var config = Config(false, 4) with { Classes = 0 };
        Assert.Equal(config.Cost().Macs + 16 * 48, task.Macs(config)); // for one class
        Assert.True((task with { Decoder = s_upernet }).Macs(config) > task.Macs(config));
    }

    private static BackboneConfig Config(bool adventurer, int patch) =>
        adventurer ? SmallNet.Adventurer(16, patch, 7) : SmallNet.Vit(16, patch, 7);
}
