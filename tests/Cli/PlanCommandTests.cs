using System.Text.Json;
using PatchKit.Cli;
using PatchKit.Experiments;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Sweeps;
using PatchKit.Tests.Torch;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Cli;

/// <summary>`patchkit plan`, and the parts that `patchkit run --only` trains.</summary>
public sealed class PlanCommandTests : IDisposable
{
    // 10 steps each.
    private static readonly string[] s_short = ["table4", "--scale", "smoke", "--budget", "0.05", "--first-seed", "1"];
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-plan-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void PrintsRunsMemoryHoursAndOnWhatTheyRest()
    {
        string text = Plan("table1", "--gpu", "a100", "--gpus", "8").Output;
        Assert.StartsWith("Table 1: classification by patch size, scale paper: 8 x A100 80 GB\n", text);
        Assert.Matches(@"deit-base, p=1, 224x224, deit +1 +50,176 +375,300 +1,024 +4 x 32 +70\.\d ", text);
        Assert.Matches(@"\(start\) adventurer-base, p=16, 128x128, adventurer-pretrain ", text);
        Assert.Matches(@"all, one after the other +40 ", text);
        Assert.Contains("Table 6, one A100: 29 to 36 % for DeiT-Base, 30 to 31 % for Adventurer-Base", text);
        Assert.Contains("25 parts of the grid", text);
        Assert.EndsWith(
            ": trains nothing at scale paper; `patchkit run table7` measures or compares.\n",
            Plan("table7").Output
        );
    }

    [Fact]
    public void TheJsonHasTheSame()
    {
        var json = JsonElement.Parse(Plan("table4", "--seeds", "2", "--gpus", "4", "--gpu", "h100", "--json").Output);
        var plan = PatchKit.Experiments.Planning.Plan.Of(
            ExperimentBook.Find("table4"),
            new()
            {
                SizesOnly = true,
                Scale = Scale.Paper,
                Seeds = 2,
            },
            new(PatchKit.ScalingLaws.GpuKind.Find("h100"), 4)
        );
        Assert.Equal(
            ("table4", "h100", 4, plan.Parts),
            (
                json.GetProperty("experiment").GetString(),
                json.GetProperty("gpu").GetProperty("name").GetString(),
                json.GetProperty("gpus").GetInt32(),
                json.GetProperty("parts").GetInt32()
            )
        );
        Assert.Equal(plan.GpuHours, json.GetProperty("gpuHours").GetDouble(), 1e-9 * plan.GpuHours);
        Assert.Equal(plan.RunCount, json.GetProperty("runCount").GetInt32());
        var runs = json.GetProperty("runs").EnumerateArray().ToList();
        Assert.Equal(plan.Runs.Count, runs.Count);
        Assert.All(
            runs.Zip(plan.Runs),
            pair =>
            {
                Assert.Equal(pair.Second.Model, pair.First.GetProperty("model").GetString());
                Assert.Equal(
                    (pair.Second.Fit.Images, pair.Second.Fit.Parts, pair.Second.Fit.Bytes),
                    (
                        pair.First.GetProperty("fit").GetProperty("images").GetInt32(),
                        pair.First.GetProperty("fit").GetProperty("parts").GetInt32(),
                        pair.First.GetProperty("fit").GetProperty("bytes").GetInt64()
                    )
                );
                Assert.Equal(
                    pair.Second.GpuHours,
                    pair.First.GetProperty("gpuHours").GetDouble(),
                    1e-9 * pair.Second.GpuHours
                );
            }
        );
    }

    [Fact]
    public void AccumulationCanBeGiven()
    {
        var runs = JsonElement
            .Parse(Plan("figure4", "--gpus", "2", "--accumulate", "8", "--json").Output)
            .GetProperty("runs")
            .EnumerateArray();
        Assert.All(runs, run => Assert.Equal(8, run.GetProperty("fit").GetProperty("parts").GetInt32()));
    }

    [Theory]
    [InlineData(
        "there is no GPU \"h20\" in the catalogue; did you mean h200? There are v100-pcie, ",
        "table1",
        "--gpu",
        "h20"
    )]
    [InlineData("there is no experiment \"tabel1\"; did you mean table1?", "tabel1")]
    [InlineData("did you mean imagenet-1k? There are imagenet-1k, cifar-10, ", "table1", "--data", "imagenet")]
    [InlineData("3 GPUs cannot share a batch of 1024 images evenly; use 2 or 4.", "table1", "--gpus", "3")]
    [InlineData("0 GPUs train nothing", "table1", "--gpus", "0")]
    [InlineData("0 seeds measure nothing", "table1", "--seeds", "0")]
    [InlineData("3 equal parts; accumulate over a divisor of 1024", "table1", "--accumulate", "3")]
    [InlineData(
        "the runs learn classes of whole images, as imagenet-1k and cifar-10 have, but ade20k has others",
        "table1",
        "--data",
        "ade20k"
    )]
    public void WhatCannotBeIsRefused(string sentence, params string[] arguments) =>
        Expect.Refused<ArgumentException>(() => Plan(arguments), sentence);

    [Fact]
    public void HelpNamesTheGpusAndTheSets()
    {
        using var process = new ChildProcess("plan", "--help");
        string help = process.End().Output;
        Assert.Contains("patchkit plan <name> [options]", help);
        Assert.All(
            new[] { "--gpus", "--accumulate", "--json", "a100-40", "coco-2017" },
            word => Assert.Contains(word, help)
        );
    }

    [Fact, Trait("speed", "seconds")]
    public void PartsTrainTheGridAndTheReportNeedsNoTrainingAfterwards()
    {
        var grid = ExperimentBook
            .Find("table4")
            .Grid(
                new()
                {
                    Scale = Scale.Smoke,
                    Budget = .05,
                    FirstSeed = 1,
                }
            );
        int all = GridPart.Count(grid);
        Assert.Equal(
            JsonElement.Parse(Plan("table4", "--scale", "smoke", "--json").Output).GetProperty("parts").GetInt32(),
            all
        );
        var store = new RunStore(_folder);
        for (int part = 1; part <= 2; part++)
        {
            var run = Run("--only", $"{part}/2");
            int there = store.List().Count;
            Assert.Equal((0, ""), (run.Code, run.Output.Split('\n', 2)[1]));
            Assert.EndsWith(
                $"part {part}/2 is trained; {there} of {grid.Count} runs are in {_folder}, and the same "
                    + $"command without --only {(part == 2 ? "reports" : "trains the others and reports")}.\n",
                run.Errors
            );
            Assert.False(Directory.Exists(Path.Combine(_folder, "reports")));
        }
        Assert.Equal(grid.Select(config => config.Key).Order(), store.List().Select(run => run.Key).Order());
        Assert.Contains(
            $"part {all + 1}/{all + 1} is empty: table4 has {all} parts",
            Run("--only", $"{all + 1}/{all + 1}").Errors
        );
        var report = Run();
        Assert.Equal((0, ""), (report.Code, report.Errors)); // no run was trained
        Assert.Contains("Adventurer at", report.Output);
        Assert.True(File.Exists(Path.Combine(_folder, "reports", "table4-smoke.json")));
    }

    [Fact]
    public void WhatTrainsNothingHasNoParts() =>
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(RunCommand.Create(), "table7", "--only", "1/2", "--out", _folder),
            "table7 trains nothing",
            "1/2",
            "leave --only out"
        );

    private CommandRun Plan(params string[] arguments) =>
        CommandRun.Of(PlanCommand.Create(), [.. arguments, "--out", _folder]);

    private CommandRun Run(params string[] arguments) =>
        CommandRun.Of(RunCommand.Create(), [.. s_short, .. arguments, "--out", _folder]);
}
