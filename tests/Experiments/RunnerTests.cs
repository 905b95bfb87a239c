using PatchKit.Display.Progress;
using PatchKit.Experiments;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Experiments;

/// <summary>
/// A sweep that is stopped and run again, as a notebook's cell is: each run once in the results, numbers that stay, and
/// a line that says what is still to come.
/// </summary>
[Trait("speed", "slow")]
public sealed class RunnerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-runner-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ASweepThatIsStoppedTwiceHasEachRunOnce()
    {
        var options = new ExperimentOptions { Scale = Scale.Smoke, FirstSeed = 1 };
        var grid = ExperimentBook.Find("table1").Grid(options).Take(3).ToList();
        var (runner, shown) = (new ExperimentRunner(new RunStore(_folder)), new List<ProgressView>());
        for (int stopAfter = 1; stopAfter <= 2; stopAfter++)
        {
            using var stop = new CancellationTokenSource();
            var stopped = runner with
            {
                Finished = (_, _) =>
                {
                    if (runner.Results.Count == stopAfter)
                        stop.Cancel();
                },
            };
            Assert.ThrowsAny<OperationCanceledException>(() =>
                stopped.Showing(view => shown.Add((ProgressView)view)).Train(grid, options, cancellation: stop.Token)
            );
            Assert.Equal(
                grid.Take(stopAfter).Select(config => config.Key),
                runner.Results.Select(result => result.Key)
            );
        }
        var all = runner
            .Showing(view => shown.Add((ProgressView)view))
            .Train(grid, options, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(grid.Select(config => config.Key), runner.Results.Select(result => result.Key));
        Assert.Equal(runner.Results, all);

        string[] numbers =
        [
            .. shown
                .Select(view => view.Name)
                .Where(name => name.StartsWith("run ", StringComparison.Ordinal))
                .Select(name => name.Split(':')[0])
                .Distinct(),
        ];
        Assert.Equal(Enumerable.Range(1, grid.Count).Select(i => $"run {i} of {grid.Count}"), numbers);
        var between = shown.Where(view => view.Unit == "runs").ToList();
        Assert.All(between, view => Assert.Equal((grid.Count, view.Done == grid.Count), (view.Total, view.IsOver)));
        Assert.Equal(grid.Count, between[^1].Done);
    }
}
