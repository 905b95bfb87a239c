using PatchKit.Data.Images;
using PatchKit.Experiments;
using PatchKit.Tests.Data.Coco;
using PatchKit.Training;
using PatchKit.Training.Tasks;
using Xunit;

namespace PatchKit.Tests.Experiments.Sweeps;

/// <summary>
/// The runs of detection: one recipe and one detector for every patch size, shared between the table and the figure's
/// two panels.
/// </summary>
public sealed class DetectionGridTests
{
    [Fact]
    public void TheTableAndBothPanelsShareTheirRuns()
    {
        var options = new ExperimentOptions();
        var runs = Keys("table3", options);
        Assert.Equal(9, runs.Count);
        Assert.Equal(runs, Keys("figure1e", options));
        Assert.Equal(runs, Keys("figure1f", options));
    }

    [Fact]
    public void NothingDependsOnThePatchButTheModel()
    {
        var grid = ExperimentBook.Find("table3").Grid(new ExperimentOptions());
        Assert.Single(grid.Select(config => config.Recipe).Distinct());
        Assert.Single(grid.Select(config => config.Task).Distinct());
        Assert.Equal([16, 8, 4], grid.Select(config => config.Model.PatchSize).Distinct());
        Assert.All(
            grid,
            config =>
                Assert.Equal(
                    (config.Model, DetectionPhase.Pixels),
                    (config.StartsFrom!.Model, ((DetectionTask)config.StartsFrom.Task!).Phase)
                )
        );
        Assert.All(grid, config => Assert.Equal(8, config.Data.Classes));
    }

    [Theory]
    [InlineData(Scale.Gpu, "--data")]
    [InlineData(Scale.Paper, "--pretraining")]
    public void LargeScalesAskForImages(Scale scale, string option) =>
        Assert.Contains(
            option,
            Assert
                .Throws<ArgumentException>(() =>
                    ExperimentBook.Find("table3").Grid(new ExperimentOptions { Scale = scale })
                )
                .Message
        );

    [Fact]
    public void AFolderInCocosFormatBringsItsOwnDetector()
    {
        using var files = new CocoFolder(camVid: true);
        File.Copy(
            Path.Combine(files.Set, "instances_training.json"),
            Path.Combine(files.Set, "instances_validation.json")
        );
        var options = new ExperimentOptions { Data = files.Set };
        Assert.All(
            ExperimentBook.Find("table3").Grid(options),
            config => Assert.Equal(2, Assert.IsType<CocoDataConfig>(config.Data).Classes)
        );
        var full = ExperimentBook.Find("table3").Grid(options with { Scale = Scale.Gpu });
        Assert.Equal([32, 16, 8], full.Select(config => config.Model.PatchSize));
        Assert.All(
            full,
            config =>
                Assert.Equal((800, 1333), (((CocoDataConfig)config.Data).Short, ((CocoDataConfig)config.Data).Longest))
        );
        Assert.Throws<ImageException>(() => ExperimentBook.Find("table3").Grid(options with { Data = files.Root }));
    }

    private static List<string> Keys(string name, ExperimentOptions options) =>
        [.. ExperimentBook.Find(name).Grid(options).Select(config => config.Key)];
}
