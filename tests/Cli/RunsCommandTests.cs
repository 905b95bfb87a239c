using System.Text.RegularExpressions;
using PatchKit.Cli;
using PatchKit.Experiments;
using PatchKit.Models;
using PatchKit.Tests.Torch;
using PatchKit.Tests.Training;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Cli;

/// <summary>`patchkit runs` and `patchkit list`.</summary>
public sealed class RunsCommandTests : IDisposable
{
    private static readonly RunConfig s_config = new()
    {
        Model = SmallNet.Vit(16, 8, 16),
        Recipe = SmallRun.Plain with { Epochs = 1, EpochImages = 64, WarmupEpochs = 0 },
        Data = new GeneratedDataConfig { TestImages = 50 },
        Seed = 3,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-runs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private RunStore Store => new(_folder);

    [Fact]
    public void ListsRuns()
    {
        Assert.Contains($"There are no runs in {_folder}", Runs().Output);
        var (finished, interrupted) = Make();
        string loss = FormattableString.Invariant($"{Store.Find(finished)!.Test.Loss:0.000}");
        foreach (var run in new[] { Runs(), Runs("list") })
        {
            string[] lines = run.Output.Split('\n');
            Assert.StartsWith($"{_folder}: 2 runs, ", lines[0]);
            Assert.Contains(
                lines,
                line =>
                    line.Contains(finished.Key)
                    && line.Contains(" finished ")
                    && line.Contains($"{finished}")
                    && line.Contains(loss)
            );
            Assert.Contains(
                lines,
                line => line.Contains(interrupted.Key) && line.Contains(" interrupted ") && line.Contains("p=4")
            );
        }
    }

    [Fact]
    public void ShowsARun()
    {
        var (finished, interrupted) = Make();
        string text = Runs("show", finished.Key[..6]).Output;
        Assert.StartsWith($"{finished}\n{Store.FolderOf(finished)}\n", text);
        Assert.Matches(@"\n +model\.patchSize +8 +\n", text);
        Assert.Matches(@"\n +recipe\.name +smoke +\n", text);
        Assert.Matches(@"\n +test loss +\d\.\d{4} +\n", text);
        Assert.Matches(@"\n +4 +\d\.\d{3} +\n", text); // the curve's last row
        Assert.Matches(@"\n +interrupted +\n", Runs("show", interrupted.Key).Output);
        Expect.Refused<ArgumentException>(() => Runs("show", "zz"), "no run in", "patchkit runs");
    }

    [Fact]
    public void ComparesRuns()
    {
        var (finished, interrupted) = Make();
        string text = Runs("compare", finished.Key, interrupted.Key).Output;
        string settings = text[..text.IndexOf("Results", StringComparison.Ordinal)];
        Assert.Matches(@"model\.patchSize +8 +4 +\n", settings);
        Assert.Matches(@"seed +3 +4 +\n", settings);
        // and no other of the model's
        Assert.Single(Regex.Matches(settings, @"\n +model\."));
        Assert.DoesNotContain("recipe.", settings);
        Assert.Matches(@"\n +finished +interrupted +\n", text);
        Assert.Matches(@"\n +1 +\d\.\d{3} +\d\.\d{3} +\n", text);
        // the other did not come so far
        Assert.Matches(@"\n +4 +\d\.\d{3} +\n", text);
        Expect.Refused<ArgumentException>(
            () => Runs("compare", finished.Key, finished.Key[..8]),
            "the only run that was named"
        );
    }

    [Fact]
    public void DeletesWhatIsMeant()
    {
        var (finished, interrupted) = Make();
        Expect.Refused<ArgumentException>(() => Runs("delete"), "in one way", "--unfinished");
        Expect.Refused<ArgumentException>(() => Runs("delete", finished.Key, "--all"), "in one way");
        if (Console.IsInputRedirected)
            Expect.Refused<ArgumentException>(() => Runs("delete", "--all"), "2 runs of ", "--yes");
        Assert.Equal(2, Store.List().Count);
        Assert.Contains("Deleted 1 run of ", Runs("delete", "--unfinished", "--yes").Output);
        Assert.Equal(finished.Key, Store.List().Single().Key);
        Assert.Contains("has no such run", Runs("delete", "--unfinished", "--yes").Output);
        Runs("delete", finished.Key[..6], "--yes");
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void ListsWhatCanBeRun()
    {
        var run = CommandRun.Of(ListCommand.Create());
        Assert.Equal(0, run.Code);
        Assert.All(
            ExperimentBook.All,
            experiment => Assert.Matches($@"\n +{experiment.Name} +{Regex.Escape(experiment.Title)} ", run.Output)
        );
        Assert.All(
            RecipeBook.All,
            recipe => Assert.Matches($@"\n +{recipe.Name} +{Regex.Escape(recipe.Reproduces)} ", run.Output)
        );
        Assert.All(Enum.GetNames<Scale>(), scale => Assert.Matches($@"\n +{scale.ToLowerInvariant()} ", run.Output));
    }

    private (RunConfig Finished, RunConfig Interrupted) Make()
    {
        var other = s_config with { Model = s_config.Model with { PatchSize = 4 }, Seed = 4 };
        Store.Train(s_config, cancellation: TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            Store.Train(other, new RunOptions { Progress = _ => stop.Cancel() }, stop.Token)
        );
        return (s_config, other);
    }

    private CommandRun Runs(params string[] arguments) =>
        CommandRun.Of(RunsCommand.Create(), [.. arguments, "--out", _folder]);
}
