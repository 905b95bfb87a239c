using PatchKit.Experiments;
using PatchKit.Experiments.Sweeps;
using PatchKit.Metrics;
using PatchKit.Training;
using PatchKit.Training.Runs;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Experiments.Sweeps;

public sealed class SeedMeanTests
{
    [Fact]
    public void SeedsOfOneConfigurationAreGathered()
    {
        var grid = ExperimentBook.Find("table5").Grid(new ExperimentOptions { Scale = Scale.Teach });
        var machine = Machine.Here(CPU);
        var results = grid.Select(
                (config, i) =>
                    new RunResult(
                        config.Key,
                        config,
                        new EvaluationResult(100, 1 + i, .25, 1, 0, [1, .75, .5, .5]),
                        1,
                        config.Steps,
                        1,
                        1000,
                        machine,
                        "",
                        default
                    )
            )
            .ToList();
        var means = SeedMean.Of(results);

        Assert.Equal(grid.Count / 3, means.Count);
        Assert.All(means, mean => Assert.Equal(3, mean.Results.Count));
        Assert.All(
            means,
            mean => Assert.Single(mean.Results.Select(result => (result.Config with { Seed = 0 }).Key).Distinct())
        );
        var first = means[0];
        Assert.Equal(grid[0].Model, first.Model);
        Assert.Equal(
            (grid[0].Family, grid[0].Model.PatchSize, grid[0].Model.EmbedDim),
            (first.Family, first.PatchSize, first.EmbedDim)
        );
        Assert.Equal(first.Results[0].Config.Seed + 1, first.Results[1].Config.Seed);
        Assert.Equal(first.Results.Average(result => result.Test.Loss), first.Loss);
        Assert.True(first.Lowest < first.Loss && first.Loss < first.Highest);
        Assert.Equal((.25, .75), (first.Top1, first.Bit(1)));
    }

    [Fact]
    public void RealImagesHaveNoBits()
    {
        var config = ExperimentBook.Find("table5").Grid(new ExperimentOptions { Scale = Scale.Teach })[0];
        var result = new RunResult(
            config.Key,
            config,
            new EvaluationResult(100, 1, .25, 1, 0),
            1,
            config.Steps,
            1,
            1000,
            Machine.Here(CPU),
            "",
            default
        );
        Assert.True(double.IsNaN(SeedMean.Of([result])[0].Bit(0)));
    }
}
