using System.Globalization;
using PatchKit.Cli;
using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using PatchKit.Display.Pictures;
using PatchKit.Experiments;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Recording;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Tables;
using PatchKit.Experiments.Verdicts;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Tests.Cli;
using PatchKit.Tests.Torch;
using PatchKit.Tests.Training;
using PatchKit.Training;
using PatchKit.Training.Loop;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Experiments.Recording;

/// <summary>
/// Recorded results: they hold what the runs printed, come back as they were written, and refuse what is not whole.
/// </summary>
[Trait("speed", "seconds")]
public sealed class RecordedTests : IDisposable
{
    private const string Commit = "0123456789ab";
    private static readonly Machine s_machine = new("A processor", 2, 2, "cpu", "1.13.1", "A system");
    private static readonly ExperimentOptions s_options = new() { Seeds = 2 };
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-recorded-").FullName;

    private RunStore Store => new(Path.Combine(_folder, "runs"));

    private Recorder Recorder => new(Store) { Commit = Commit };

    private string Shelf => Path.Combine(_folder, "recorded");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [
        Theory,
        InlineData("table1"),
        InlineData("figure1"),
        InlineData("table4"),
        InlineData("table5"),
        InlineData("figure4")
    ]
    public void ComesBackAsItWasWritten(string name)
    {
        var experiment = ExperimentBook.Find(name);
        Pretend(experiment.Grid(s_options));
        var made = Recorder.Make(experiment, s_options);
        string path = made.Save(Shelf),
            text = File.ReadAllText(path);
        Assert.Equal([path], Directory.GetFiles(Shelf));
        var read = RecordedResult.Load(path);
        Assert.Equal(text, read.ToJson());
        Assert.Equal(text, Recorder.Make(experiment, s_options).ToJson());
        Assert.Equal(experiment.Grid(s_options).Select(config => config.Key), read.Results.Select(run => run.Key));
        Assert.Equal(read.Report.Runs, read.Results.Select(run => run.Key));
        Assert.Equal((Scale.Teach, name, s_machine), (read.Scale, read.Experiment, read.Machine));
        Assert.Equal(
            read.Runs.Count,
            text.Split('\n').Count(line => line.StartsWith("{\"result\":", StringComparison.Ordinal))
        );
        Assert.InRange(text.Length, 1_000, 200_000);
        Assert.Contains("recorded at teach on 2 CPU cores", read.Name);
        foreach (
            string word in new[]
            {
                name,
                "generated images",
                "seeds 10, 11",
                "A processor",
                "1.13.1",
                "2026-05-04",
                Commit,
            }
        )
            Assert.Contains(word, read.Origin);
        foreach (var (run, epochs, _) in read.Runs)
        {
            Assert.Equal(run.Config.Recipe.Epochs, epochs.Loss.Count);
            Assert.Equal(
                Enumerable.Range(1, run.Config.Recipe.Epochs).Select(epoch => 3.0 / epoch),
                epochs.Loss.Select(loss => loss),
                (one, other) => Math.Abs(one - other) < 1e-5
            );
        }
    }

    [Fact]
    public void WhereImagesLayIsLeftOut()
    {
        var options = s_options with { Data = SmallImages.Cifar(Path.Combine(_folder, "images")), Seeds = 1 };
        var experiment = ExperimentBook.Find("table1");
        Pretend(experiment.Grid(options));
        var made = Recorder.Make(experiment, options);
        Assert.DoesNotContain(_folder, made.ToJson());
        var read = RecordedResult.Load(made.Save(Shelf));
        Assert.All(read.Results, run => Assert.Equal(run.Key, run.Config.Key));
        Assert.EndsWith("(A processor), a part of CIFAR-10", read.Name);
        Assert.Equal(
            ["Adventurer at 16x16", "Adventurer at 32x32", "ViT at 16x16", "ViT at 32x32"],
            read.Sweeps.Keys.Order()
        );
    }

    [Theory]
    [InlineData(
        "cuda (NVIDIA H200)",
        "recorded at teach on NVIDIA H200",
        "figure4-teach-generated-images-nvidia-h200.json"
    )]
    [InlineData("cuda", "recorded at teach on cuda", "figure4-teach-generated-images-cuda.json")]
    public void AGpuGivesItsName(string device, string name, string file)
    {
        var experiment = ExperimentBook.Find("figure4");
        Pretend(experiment.Grid(s_options), result => result with { Machine = s_machine with { Device = device } });
        var made = Recorder.Make(experiment, s_options);
        Assert.Equal((name, file), (made.Name, made.FileName));
    }

    [Fact]
    public void EveryEpochHasItsNumbersHoweverFewLinesThereAre()
    {
        var config = ExperimentBook.Find("table1").Grid(s_options)[0]; // 10 epochs of 60 steps
        Pretend([config]);
        string path = Path.Combine(Store.FolderOf(config), MetricsLog.FileName);
        File.Delete(path);
        using (var log = new MetricsLog(path, every: 7))
        {
            log.Begin(null);
            for (int step = 1; step <= 600; step++)
                log.Add(step, (step - 1) / 60, step, step, -step, endsEpoch: step % 60 == 0);
        }
        var epochs = RecordedEpochs.Of(Store, Store.Find(config)!);
        Assert.Equal(Enumerable.Range(0, 10).Select(epoch => 60 * epoch + 30.5), epochs.Loss);
        Assert.Equal(Enumerable.Range(1, 10).Select(epoch => 60.0 * epoch), epochs.LearningRate);
        Assert.Equal(Enumerable.Range(1, 10).Select(epoch => -60.0 * epoch), epochs.GradientNorm);

        File.WriteAllLines(
            path,
            File.ReadLines(path).Where(line => !line.Contains("\"step\":180,", StringComparison.Ordinal)).ToList()
        );
        Expect.Refused<ArgumentException>(
            () => RecordedEpochs.Of(Store, Store.Find(config)!),
            "step 180",
            "epoch 3 of 10",
            "patchkit runs delete"
        );
        File.Delete(path);
        Expect.Refused<ArgumentException>(() => RecordedEpochs.Of(Store, Store.Find(config)!), "step 60");
    }

    [Fact]
    public void WhatIsNotFinishedOrNotKnownIsRefused()
    {
        var experiment = ExperimentBook.Find("table5");
        var grid = experiment.Grid(s_options);
        Expect.Refused<ArgumentException>(
            () => Recorder.Make(experiment, s_options),
            $"{grid.Count} of the {grid.Count} runs of table5",
            "`patchkit run table5 --scale teach --seeds 2`"
        );
        Pretend(grid.Skip(3));
        var more = s_options with { FirstSeed = 11, Budget = .5, Pixels = true, Longer = 2 };
        Expect.Refused<ArgumentException>(
            () => Recorder.Make(experiment, s_options),
            $"3 of the {grid.Count} runs",
            Store.Folder
        );
        Expect.Refused<ArgumentException>(
            () => Recorder.Make(experiment, more),
            "--seeds 2 --first-seed 11 --budget 0.5 --pixels --longer 2`"
        );
        Pretend(grid);
        Recorder.Make(experiment, s_options);
        Expect.Refused<ArgumentException>(
            () => Recorder.Make(experiment, s_options with { Scale = Scale.Smoke }),
            "smoke",
            "teach, gpu or paper"
        );
        Expect.Refused<ArgumentException>(
            () => Recorder.Make(ExperimentBook.Find("table7"), s_options),
            "nothing to record"
        );
        Expect.Refused<ArgumentException>(
            () => (Recorder with { Commit = "unknown" }).Make(experiment, s_options),
            "this program",
            "no known commit"
        );
        Expect.Refused<ArgumentException>(
            () => (Recorder with { Commit = Commit + "-modified" }).Make(experiment, s_options),
            "changed sources",
            Commit
        );

        Pretend(grid.Take(1), result => result with { Commit = "unknown" });
        Expect.Refused<ArgumentException>(() => Recorder.Make(experiment, s_options), grid[0].Key, "no known commit");
        Pretend(grid.Take(1), result => result with { Commit = Commit + "-modified" });
        Expect.Refused<ArgumentException>(() => Recorder.Make(experiment, s_options), grid[0].Key, "changed sources");
        Pretend(grid.Take(1), result => result with { Machine = s_machine with { Processor = "Another processor" } });
        Expect.Refused<ArgumentException>(
            () => Recorder.Make(experiment, s_options),
            "2 kinds of machine",
            "A processor",
            "Another processor"
        );
    }

    [Fact]
    public void MeasurementsAreThoseOfTheLastReport()
    {
        var table6 = new Table6();
        var options = new ExperimentOptions();
        Expect.Refused<ArgumentException>(
            () => Recorder.Make(table6, options),
            "no report of table6 at teach",
            "`patchkit run table6 --scale teach`"
        );
        var steps = table6.Steps(options);
        Assert.Equal(20, steps.Count);
        var report = new Report
        {
            Experiment = "table6",
            Title = "Table 6",
            Scale = Scale.Teach,
            Data = "random images",
            Tables = [],
            Verdicts = [new("x", Outcome.NotShown, "y")],
            Machine = s_machine,
            Commit = Commit,
        };
        string file = ExperimentRunner.ReportFile(Store, "table6", Scale.Teach),
            costs = Directory.CreateDirectory(StepMeter.FolderIn(Store)).FullName;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        RunFile.WriteJson(file, report);
        Expect.Refused<ArgumentException>(() => Recorder.Make(table6, options), "none of the 20 measurements", Commit);
        foreach (var (i, (model, batch)) in steps.Reverse().Index())
        {
            var cost = new StepCost(model, batch, i + 1, i + 2, 3, 1000, s_machine, Commit, Day);
            RunFile.WriteJson(Path.Combine(costs, $"{i}.json"), cost);
            RunFile.WriteJson(Path.Combine(costs, $"{i}-earlier.json"), cost with { Commit = "another" });
        }
        var read = RecordedResult.Load(Recorder.Make(table6, options).Save(Shelf));
        Assert.Equal(steps, read.Measurements.Select(cost => (cost.Model, cost.Batch)));
        Assert.Equal((0, "1 not shown"), (read.Runs.Count, read.Headline));
        Assert.Equal("table6-teach-random-images-cpu-a-processor.json", read.FileName);
        var curves = RecordedResults.Of(table6, Shelf).CostCurves(Family.ViT, cost => cost.PerImage);
        Assert.Equal(2, curves.Count);
        Assert.All(curves, curve => Assert.Equal([16, 8, 4, 2, 1], curve.X));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1, 2]")]
    [InlineData("{ \"format\": \"something else\" }")]
    [InlineData("\0\0\0")]
    public void ForeignFilesAreRefusedAndTheOthersStillShown(string text)
    {
        var experiment = ExperimentBook.Find("figure4");
        Pretend(experiment.Grid(s_options));
        var whole = Recorder.Make(experiment, s_options);
        string path = whole.Save(Shelf),
            odd = Path.Combine(Shelf, "another.json");
        File.WriteAllText(odd, text);
        Expect.Refused<IOException>(
            () => RecordedResult.Load(odd),
            odd,
            "not a whole recorded result",
            "patchkit record"
        );
        var found = RecordedResults.Of(experiment, Shelf);
        Assert.Equal([path], found.All.Select(result => Path.Combine(Shelf, result.FileName)));
        Assert.Contains(odd, Assert.Single(found.Refused));
        Assert.Contains(odd, found.ToString());
        foreach (string mime in new[] { Mime.Html, Mime.Markdown, Mime.Text })
            Assert.Contains("recorded at teach on 2 CPU cores", found.Render(mime));
    }

    [Fact]
    public void DamagedFilesAreRefused()
    {
        var experiment = ExperimentBook.Find("figure4");
        Pretend(experiment.Grid(s_options));
        var whole = Recorder.Make(experiment, s_options);
        string path = whole.Save(Shelf),
            text = File.ReadAllText(path);
        File.WriteAllText(path, text[..(text.Length / 2)]);
        Expect.Refused<IOException>(() => RecordedResult.Load(path), path);
        File.WriteAllText(
            path,
            text.Replace(RecordedResult.CurrentFormat, "PatchKit recorded result 9", StringComparison.Ordinal)
        );
        Expect.Refused<IOException>(() => RecordedResult.Load(path), "recorded result 9", RecordedResult.CurrentFormat);
        var tooShort = whole.Runs[0] with { Epochs = whole.Runs[0].Epochs with { Loss = [1, 2] } };
        (whole with { Runs = [tooShort, .. whole.Runs.Skip(1)] }).Save(Shelf);
        Expect.Refused<IOException>(
            () => RecordedResult.Load(path),
            whole.Runs[0].Result.Key,
            "10 epochs",
            "2 are recorded"
        );
        string empty = (whole with { Runs = [] }).Save(Shelf);
        Expect.Refused<IOException>(() => RecordedResult.Load(empty), "neither runs nor measurements");
    }

    [Fact]
    public void AnEmptyShelfSaysWhatWouldFillIt()
    {
        foreach (
            var (name, command) in new[]
            {
                ("table1", "`patchkit run table1 --scale gpu --data FOLDER --device cuda`"),
                ("table6", "`patchkit run table6 --scale gpu --device cuda`"),
            }
        )
        {
            var none = RecordedResults.Of(ExperimentBook.Find(name), Shelf);
            Assert.Empty(none.All);
            Assert.Contains($"Nothing is recorded of {name} yet", none.ToString());
            Assert.Contains(command, none.ToString());
            Assert.Contains("Nothing is recorded", none.Caption);
            Assert.Empty(none.LossCurves(Family.ViT));
        }
        var listed = CommandRun.Of(RecordCommand.Create(), "--list", "--out", Shelf);
        Assert.Equal(0, listed.Code);
        Assert.Contains($"Nothing is recorded in {Shelf}", listed.Output);
        Expect.Refused<ArgumentException>(() => CommandRun.Of(RecordCommand.Create(), "--out", Shelf), "--list");
    }

    [Fact]
    public void TheCommandListsWhatIsThere()
    {
        var experiment = ExperimentBook.Find("table1");
        Pretend(experiment.Grid(s_options));
        Recorder.Make(experiment, s_options).Save(Shelf);
        var listed = CommandRun.Of(RecordCommand.Create(), "--list", "--out", Shelf);
        foreach (
            string word in new[]
            {
                "table1",
                "teach",
                "generated images, 16x16 pixels",
                "A processor, 2 threads",
                "2026-05-04",
                "2 not testable",
                "table1-teach-generated-images-cpu-a-processor.json",
            }
        )
            Assert.Contains(word, listed.Output);
        File.WriteAllText(Path.Combine(Shelf, "other.json"), "{");
        listed = CommandRun.Of(RecordCommand.Create(), "--list", "--out", Shelf);
        Assert.Equal(1, listed.Code);
        Assert.Contains("other.json", listed.Errors);
    }

    [Fact]
    public void CurvesAreComparedByTheirShapes()
    {
        var experiment = ExperimentBook.Find("table1");
        Pretend(experiment.Grid(s_options));
        Recorder.Make(experiment, s_options).Save(Shelf);
        var curve = Assert.Single(RecordedResults.Of(experiment, Shelf).LossCurves(Family.ViT));
        Assert.Equal(
            (Origin.Recorded, "recorded at teach on 2 CPU cores (A processor), 16 px"),
            (curve.Origin, curve.Name)
        );
        Assert.Equal([16, 8, 4, 2], curve.X);
        Assert.All(curve.Low.Zip(curve.High), pair => Assert.True(pair.First < pair.Second));
        var paper = SeedCurve.Of(PaperNumbers.Figure1[0]);
        Assert.Equal(16, SeedCurve.MostShared([curve, paper]));
        Assert.Equal(1, curve.PartsOf(8).Mean[1]);
        Assert.Equal(curve.Mean[0] / curve.Mean[1], curve.PartsOf(8).Mean[0]);
        Expect.Refused<ArgumentException>(() => curve.PartsOf(3), "no point at 3", "16, 8, 4, 2");
        var odd = new SeedCurve("odd", Origin.Recorded, [30, 10], [2, 1]);
        Assert.Equal(16, SeedCurve.MostShared([curve, odd, paper]));
        Assert.Contains(
            "odd, from 30 on",
            SeedCurve
                .Shapes(new Panel(Axis.PatchSizes, new Axis("ratio")), [paper, odd, curve])
                .ToFigure("shapes")
                .ToString()
        );
        Expect.Refused<ArgumentException>(
            () =>
                SeedCurve.Of(
                    "all",
                    Origin.Recorded,
                    RecordedResults.Of(experiment, Shelf).All[0].Results,
                    run => run.Model.PatchSize,
                    run => run.Test.Loss
                ),
            "two configurations at 16"
        );

        var figure = SeedCurve.Shapes(new Panel(Axis.PatchSizes, new Axis("ratio")), [paper, curve]).ToFigure("shapes");
        Assert.Contains("stroke-dasharray='2 3'", figure.ToSvg());
        Assert.Contains("\"2px,3px\"", figure.ToPlotlyJson());
        Assert.Contains("diamond-open", figure.ToPlotlyJson());
        Assert.Contains('△', figure.ToString());
    }

    [Fact]
    public void GpuGridsReachOnePixel()
    {
        var options = new ExperimentOptions
        {
            Scale = Scale.Gpu,
            Data = SmallImages.Cifar(Path.Combine(_folder, "images")),
        };
        int[] patches = [1, 2, 4, 8, 16];
        var table1 = Of("table1");
        Assert.Equal(2 * 5 * 3, table1.Count);
        Assert.Equal(patches, Patches(table1));
        Assert.All(
            table1,
            run => Assert.Equal((32, 3), (run.Model.Height, table1.Count(other => other.Model == run.Model)))
        );
        Assert.Equal([Family.ViT, Family.Adventurer], table1.Select(run => run.Family).Distinct().Order());
        var table4 = Of("table4");
        Assert.Equal(patches, Patches(table4));
        Assert.Equal(2 * (4 * 3 + 1), table4.Count);
        Assert.Equal(patches, Patches(Of("table5")));
        Assert.Equal(1024, Of("table5").Where(run => run.Model.PatchSize == 16).Max(run => run.Model.TokenGrid.Count));
        Assert.Equal(
            [(8, 1), (16, 2), (32, 4), (64, 8), (128, 16)],
            Of("figure4").Select(run => (run.Model.Height, run.Model.PatchSize)).Distinct().Order()
        );
        Assert.Equal(
            [16, 8, 4, 2, 1],
            new Table6().Steps(new() { Scale = Scale.Gpu }).Select(step => step.Model.PatchSize).Distinct()
        );

        IReadOnlyList<RunConfig> Of(string name) => ExperimentBook.Find(name).Grid(options);
        static IEnumerable<int> Patches(IEnumerable<RunConfig> grid) =>
            grid.Select(run => run.Model.PatchSize).Distinct().Order();
    }

    [Fact]
    public void ABuildSaysWhetherItsSourcesAreItsCommits() =>
        Assert.Matches("^([0-9a-f]{12}(-modified)?|unknown)$", Machine.Commit);

    public static TheoryData<string> Committed =>
        [
            .. Directory
                .EnumerateFiles(CommittedFolder, "*.json")
                .Select(path => Path.GetFileName(path))
                .Order(StringComparer.Ordinal),
        ];

    [Fact]
    public void SomeAreCommitted() => Assert.NotEmpty(Committed);

    [Theory, MemberData(nameof(Committed))]
    public void ACommittedResultIsWhatItsRunsSay(string name)
    {
        string path = Path.Combine(CommittedFolder, name);
        var result = RecordedResult.Load(path);
        Assert.Equal(name, result.FileName);
        Assert.InRange(new FileInfo(path).Length, 1_000, 400_000);
        Assert.Equal(result.Report.Runs, result.Results.Select(run => run.Key));
        Assert.All(
            result
                .Results.Select(run => run.Commit)
                .Concat(result.Measurements.Select(cost => cost.Commit))
                .Append(result.Report.Commit),
            commit => Assert.Matches("^[0-9a-f]{12}$", commit)
        );
        Assert.NotEmpty(result.Report.Verdicts);
        // Nobody takes an earlier rule's verdicts for this one's.
        if (result.Report.Rule != VerdictRule.Version)
            Assert.Contains("of an earlier rule", new RecordedResults(result.Experiment, [result], []).ToMarkdown());
        if (result.Runs.Count == 0 || result.Results.Any(run => run.Config.Data is not GeneratedDataConfig))
            return;
        // Generated images need no folder, so that the grid and the report can be made again from what is recorded.
        var options = new ExperimentOptions
        {
            Scale = result.Scale,
            Budget = result.Budget,
            FirstSeed = result.Results.Min(run => run.Config.Seed),
            Seeds = result.Results.Select(run => run.Config.Seed).Distinct().Count(),
        };
        var experiment = ExperimentBook.Find(result.Experiment);
        string[] keys = [.. experiment.Grid(options).Select(config => config.Key)];
        Assert.All(result.Results, run => Assert.Equal(run.Key, run.Config.Key));
        Assert.Equal(keys, result.Results.Select(run => run.Key));
        var plateaus = result.Runs.ToDictionary(run => run.Result.Key, run => run.Plateau);
        var again = experiment.Report(
            new ExperimentContext(options, Store, result.Results, _ => { }, default)
            {
                Plateau = run => plateaus[run.Key],
            }
        );
        Assert.Equal(result.Report.Verdicts, again.Verdicts);
        // figure1's also takes the store's runs at other budgets
        foreach (
            var table in result.Report.Tables.Where(table =>
                !table.Title.Contains("training budget", StringComparison.Ordinal)
            )
        )
            Assert.Contains(table.ToMarkdown(), again.Tables.Select(other => other.ToMarkdown()));
    }

    /// <summary>The folder of the results that are committed.</summary>
    internal static string CommittedFolder => Checkout.Path("notebooks", "recorded");

    private static DateTime Day => new(2026, 5, 4, 3, 2, 1, DateTimeKind.Utc);

    // Runs as if they had been trained: a loss that falls with the patch and differs between seeds, and the mean loss
    // of epoch n is 3 / n.
    private void Pretend(IEnumerable<RunConfig> grid, Func<RunResult, RunResult>? change = null)
    {
        foreach (var config in grid)
        {
            string folder = Directory.CreateDirectory(Store.FolderOf(config)).FullName;
            double loss =
                1
                + .1 * Math.Sqrt(config.Model.PatchSize)
                + .01 * (config.Seed - 10)
                + (config.Model.TokenPatchSize is null ? 0 : .05);
            var test = new EvaluationResult(100, loss, 1 / loss, 1, 0) { Bits = [.9, .8, .7, .6] };
            var result = new RunResult(config.Key, config, test, loss, config.Steps, 1, 1000, s_machine, Commit, Day);
            RunFile.WriteJson(Path.Combine(folder, "result.json"), change?.Invoke(result) ?? result);
            long steps = config.Steps / config.Recipe.Epochs;
            File.WriteAllLines(
                Path.Combine(folder, MetricsLog.FileName),
                Enumerable
                    .Range(1, config.Recipe.Epochs)
                    .Select(epoch =>
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $$"""{"step":{{steps * epoch}},"epoch":{{epoch - 1}},"loss":{{3.0 / epoch:R}}"""
                                + $$""","learningRate":0.001,"gradientNorm":1}"""
                        )
                    )
            );
        }
    }
}
