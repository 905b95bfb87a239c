using PatchKit.Data;
using PatchKit.Experiments;
using PatchKit.Experiments.Tables;
using PatchKit.Models;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Tasks;

/// <summary>
/// Runs of any task: classification is the default, and what was trained before there were others is found again.
/// </summary>
public sealed class TaskTests
{
    // Of the runs that table1 --scale teach trained before runs had tasks: ViT, then Adventurer, p = 16, 8, 4, 2, seed
    // 10.
    private static readonly string[] s_before =
    [
        "55eb87364b5c2dfc",
        "18cb30800ff6bb1e",
        "af6cd8ff81d27434",
        "a827663fe8403c52",
        "1998246573129e8d",
        "947c3d0901fddc6f",
        "2a2ea73a36a6ea06",
        "8a6c02725d2dbfe6",
    ];

    [Fact]
    public void KeysOfClassificationRunsAreWhatTheyWere()
    {
        var curves = Table1.Curves(new ExperimentOptions()).Where(config => config.Seed == 10);
        Assert.Equal(
            s_before,
            curves
                .OrderBy(config => config.Family)
                .ThenByDescending(config => config.Model.PatchSize)
                .Select(config => config.Key)
        );
    }

    [Fact]
    public void DenseLabelsHaveOneClassMore()
    {
        var data = new GeneratedDataConfig();
        Assert.Equal((16, 17), (data.Classes, (data with { Annotations = Annotations.Dense }).Classes));
        Assert.Throws<ArgumentException>(() =>
            (data with { Annotations = Annotations.Dense, NativeSize = 32 }).Open(RecipeBook.Find("smoke"), 1, CPU)
        );
        using var opened = (data with { TestImages = 3, Annotations = Annotations.Dense }).Open(
            RecipeBook.Find("smoke"),
            1,
            CPU
        );
        using var batch = opened.Test(TestContext.Current.CancellationToken).Single();
        Assert.Equal([3, 16, 16], batch.Dense!.shape);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ABackboneWithoutClassesGivesFeaturesOfImagesOfAnySize(bool adventurer)
    {
        using var scope = NewDisposeScope();
        BackboneConfig config = adventurer ? SmallNet.Adventurer(16, 4, 0) : SmallNet.Vit(16, 4, 0);
        using var model = config.Create();
        Assert.DoesNotContain(
            model.named_parameters(),
            parameter => parameter.name.StartsWith("head", StringComparison.Ordinal)
        );
        Assert.Equal([2, 48, 4, 4], model.Features(randn([2, 3, 16, 16])).Map().shape);
        Assert.Equal([1, 48, 6, 3], model.Features(randn([1, 3, 24, 12])).Map().shape);
        Assert.Throws<ArgumentException>(() => model.Features(randn([1, 3, 18, 16])));
        Assert.Contains(
            "0 classes",
            Assert.Throws<InvalidOperationException>(() => model.call(randn([1, 3, 16, 16]))).Message
        );
    }

    [Fact]
    public void ABackboneWithoutClassesTakesAClassifiersWeights()
    {
        using var classifier = SmallNet.Vit(16, 4, 16).Create();
        using var headless = SmallNet.Vit(16, 4, 0).Create();
        var report = ModelCheckpoint.Load(headless, classifier.state_dict());
        Assert.Equal(["head.bias", "head.weight"], report.Unexpected.Select(key => key.Key).Order());
        using var scope = NewDisposeScope();
        var images = randn([1, 3, 16, 16]);
        Assert.Equal(
            0,
            (classifier.Features(images).Tokens - headless.Features(images).Tokens).abs().max().item<float>()
        );
    }
}
