using PatchKit.Experiments;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Tests.Torch;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Experiments.Planning;

/// <summary>
/// Plans of the book's experiments: without data, against what the paper published, and against the models themselves.
/// </summary>
public sealed class PlanTests
{
    private static readonly PlanOptions A100 = new(GpuKind.Find("a100"));

    public static IEnumerable<TheoryDataRow<string, Scale>> All =>
        from experiment in ExperimentBook.All
        from scale in Enum.GetValues<Scale>()
        select new TheoryDataRow<string, Scale>(experiment.Name, scale);

    [Theory, MemberData(nameof(All))]
    public void EveryExperimentIsPlannedAtEveryScaleWithoutData(string name, Scale scale)
    {
        var plan = Planned(name, scale, A100 with { Gpus = 4 });
        bool trains = name is not ("table6" or "table7" or "recipes");
        Assert.Equal(trains, plan.Runs.Count > 0);
        Assert.Equal(trains, plan.Parts > 0);
        Assert.All(
            plan.Runs,
            run =>
            {
                Assert.Equal(run.Batch, run.Fit.Images * run.Fit.Parts * 4);
                Assert.True(
                    run.Fit.Fits == (run.Model != "adventurer-large" || run.PatchSize > 1 || run.Height < 224),
                    run.Name
                );
                Assert.True(run.Fit.Bytes > run.Memory.FixedBytes && run.Steps > 0, run.Name);
                Assert.True(run.PeakGpuHours > 0 && run.PeakGpuHours < run.GpuHours, run.Name);
                Assert.Equal(run.GpuHours / 4, run.WallHours, 1e-12);
                Assert.True(run.CheckpointedBytes <= run.Memory.Bytes(1) * 1.05, run.Name);
            }
        );
        string text = plan.ToString();
        if (trains)
            Assert.Contains("all, one after the other", text);
        else
            Assert.Contains("trains nothing", text);
        if (trains)
            Assert.All(plan.ToTable().Rows, row => Assert.Equal(plan.ToTable().Columns.Count, row.Count));
    }

    // The headers of the recipes state them from Table 6: 100 epochs of Table 10, 20 of Table 9; of the images, the
    // last ones that fill no batch are left out.
    [Theory]
    [InlineData(16, 45, 9)]
    [InlineData(8, 176, 35)]
    [InlineData(4, 686, 137)]
    [InlineData(2, 2745, 549)]
    [InlineData(1, 11508, 2302)]
    public void HoursOfTheSecondAndThirdStageAreTableSixesTimesTheirEpochs(
        int patch,
        double intermediate,
        double finetuning
    )
    {
        var runs = Planned("table1", Scale.Paper)
            .Runs.Where(run => run.PatchSize == patch && run.Height == 224 && run.Model == "adventurer-base")
            .ToDictionary(run => run.Recipe);
        Assert.Equal(2, runs.Count);
        Assert.InRange(runs["adventurer-intermediate-base"].GpuHours / intermediate, .99, 1.01);
        Assert.InRange(runs["adventurer-finetune-base"].GpuHours / finetuning, .97, 1.03); // rounded to whole hours
        Assert.Equal(
            (true, false),
            (runs["adventurer-intermediate-base"].IsStart, runs["adventurer-finetune-base"].IsStart)
        );
    }

    [Fact]
    public void WhatSeveralRunsStartFromIsCountedOnce()
    {
        var plan = Planned("table1", Scale.Paper);
        // of the runs at 128 and at 224 pixels
        Assert.Equal(
            5,
            plan.Runs.Count(run => run is { Model: "adventurer-base", Recipe: "adventurer-pretrain", Height: 128 })
        );
        var decoders = Planned("table2", Scale.Paper).Runs;
        // linear and UperNet
        Assert.Equal(2, decoders.Count(run => run is { Model: "adventurer-base", PatchSize: 16, IsStart: false }));
        // on one backbone of three stages
        Assert.Equal(3, decoders.Count(run => run is { Model: "adventurer-base", PatchSize: 16, IsStart: true }));
        Assert.Equal(8, Planned("table2", Scale.Paper).Parts);
    }

    [Fact]
    public void SeedsMultiplyRunsAndHours()
    {
        var (one, five) = (
            Planned("table4", Scale.Paper),
            Plan.Of(
                ExperimentBook.Find("table4"),
                new()
                {
                    SizesOnly = true,
                    Scale = Scale.Paper,
                    Seeds = 5,
                },
                A100
            )
        );
        Assert.Equal(one.Runs.Count, five.Runs.Count);
        Assert.All(five.Runs, run => Assert.Equal(5, run.Seeds));
        Assert.Equal((5 * one.RunCount, 5 * one.Parts), (five.RunCount, five.Parts));
        Assert.Equal(5 * one.GpuHours, five.GpuHours, 1e-6 * five.GpuHours);
    }

    [Fact]
    public void ActivationsAreWithinATenthOfThePapersMemory()
    {
        Assert.Equal([16, 8, 4, 2, 1], PlanMemory.BesidePaper.Select(row => row.PatchSize));
        Assert.All(PlanMemory.BesidePaper, row => Assert.InRange(row.Model / row.Paper, 1, 1.1));
    }

    [Fact]
    public void ThePapersHoursMeanAThirdOfThePeak()
    {
        foreach (var family in Enum.GetValues<Family>())
        {
            var (least, most) = PlanRates.PaperShare(family);
            Assert.InRange(least, .28, most);
            Assert.InRange(most, least, .37);
        }
    }

    // DeiT-Base at 224 and p = 16, by hand: 86.6 M weights of 18 + 4 bytes; 12 blocks of 197 x 768 tokens at 36 bytes
    // (two in float32, six and twice four in bfloat16).
    [Fact]
    public void ARunOfDeitBaseTakesWhatWasWorkedOutByHand()
    {
        var run = Planned("table1", Scale.Paper)
            .Runs.Single(run => run is { Model: "deit-base", PatchSize: 16, Height: 224 });
        Assert.Equal(86_567_656, run.Parameters);
        Assert.Equal(22L * 86_567_656, run.Memory.FixedBytes);
        Assert.InRange(run.Memory.ImageBytes / (12.0 * 197 * 768 * 36), 1, 1.02);
        Assert.Equal((300L * 1251, 1024), (run.Steps, run.Batch));
        Assert.Equal((1024, 1), (run.Fit.Images, run.Fit.Parts)); // 69 GB of the 72 there are
    }

    [Fact]
    public void OnAnotherGpuThePaperShareIsKept()
    {
        var (a100, h200) = (Planned("table4", Scale.Paper), Planned("table4", Scale.Paper, new(GpuKind.Find("h200"))));
        Assert.Equal(989.0 / 312, a100.GpuHours / h200.GpuHours, 1e-6);
        Assert.Contains(h200.Basis, line => line.Contains("that the H200 SXM reaches the same share is assumed"));
        Assert.DoesNotContain(a100.Basis, line => line.Contains("assumed"));
    }

    [Fact]
    public void WhatDoesNotFitSaysByHowMuchAndWhereItWould()
    {
        var plan = Planned("table1", Scale.Paper, new(GpuKind.Find("t4")));
        var pixels = plan.Runs.Single(run =>
            run is { Model: "adventurer-base", PatchSize: 1, Height: 224, IsStart: false }
        );
        Assert.False(pixels.Fit.Fits);
        Assert.Equal(1, pixels.Fit.Images);
        var gpu = GpuKind.Find(pixels.NeededGpu!);
        Assert.True(A100.Room(gpu) >= pixels.Memory.Bytes(1));
        Assert.All(
            GpuKind.All.Where(other => other.MemoryBytes < gpu.MemoryBytes),
            other => Assert.True(A100.Room(other) < pixels.Memory.Bytes(1))
        );
        Assert.Contains(
            plan.Notes,
            note =>
                note.Contains("p=1, 224x224")
                && note.Contains("GB more than the 14.4 GB of a GPU that training may take")
                && note.Contains($"({gpu.Name}) holds one")
        );
    }

    [Fact]
    public void StepsTimedOnThatKindOfGpuGoBeforeThePaper()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            var model = ModelZoo.Find("adventurer-base").Config with { PatchSize = 4 };
            var cost = new StepCost(
                model,
                8,
                Seconds: .1,
                Slowest: .11,
                Steps: 5,
                null,
                new Machine("CPU", 1, 1, "cuda (NVIDIA H200)", "2.6", "Linux"),
                "commit",
                DateTime.UtcNow
            );
            RunFile.WriteJson(Path.Combine(folder, "one.json"), cost);
            File.WriteAllText(Path.Combine(folder, "damaged.json"), "{");
            var plan = Planned("table1", Scale.Paper, new(GpuKind.Find("h200")) { Measurements = folder });
            var run = plan.Runs.Single(run =>
                run is { Model: "adventurer-base", PatchSize: 4, Height: 224, IsStart: false }
            );
            Assert.Equal("steps timed on H200 SXM", run.Rate);
            Assert.Equal(.1 / 8 * run.Steps * run.Batch / 3600, run.GpuHours, 1e-6 * run.GpuHours);
            Assert.Equal("Table 6", plan.Runs.First(run => run.Model == "deit-base").Rate);
            // of another kind
            Assert.Equal(
                "Table 6",
                Planned("table1", Scale.Paper, A100 with { Measurements = folder })
                    .Runs.First(run => run.Model == "adventurer-base")
                    .Rate
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void PublishedSizesCannotBeTrainedOn()
    {
        Assert.Null(PublishedData.Images("a folder", 32));
        Assert.All(
            [
                () => PublishedData.Images(PublishedData.Coco, 32),
                () => PublishedData.Scenes(PublishedData.Coco),
                () => PublishedData.Objects(PublishedData.Ade20K),
            ],
            (Action set) => Expect.Refused<ArgumentException>(set, "has others")
        );
        // a folder's name, but in a plan
        Expect.Refused<ArgumentException>(
            () => ExperimentBook.Find("table1").Grid(new() { Scale = Scale.Gpu, Data = PublishedData.Cifar10 }),
            PublishedData.Cifar10,
            "does not exist"
        );
        Expect.Refused<ArgumentException>(
            () => ExperimentBook.Find("table1").Grid(new() { Scale = Scale.Paper }),
            "--data"
        );
    }

    [Fact]
    public void APlanIsShownInANotebook()
    {
        var plan = Planned("figure4", Scale.Gpu);
        Assert.Contains("<table", plan.Render("text/html"));
        Assert.Contains("| deit-tiny", plan.Render("text/markdown"));
        Assert.Equal(plan.ToString(), plan.Render("text/plain"));
        Assert.Equal($"{Planned("table7", Scale.Paper)}", Planned("table7", Scale.Paper).Render("text/plain"));
    }

    [Theory]
    [InlineData("table1", Scale.Teach)]
    [InlineData("table2", Scale.Teach)]
    [InlineData("table3", Scale.Paper)]
    public void PartsHoldEveryRunOnceAndNoTwoStartFromTheSame(string name, Scale scale)
    {
        var grid = ExperimentBook.Find(name).Grid(Options(name, scale));
        int all = GridPart.Count(grid);
        foreach (int of in new[] { 1, 3, all, all + 2 })
        {
            var parts = Enumerable.Range(1, of).Select(i => new GridPart(i, of).From(grid)).ToList();
            Assert.Equal(
                grid.Select(config => config.Key).Order(),
                parts.SelectMany(part => part.Select(config => config.Key)).Order()
            );
            Assert.Equal(Math.Max(0, of - all), parts.Count(part => part.Count == 0));
            var starts = parts.Select(part => part.SelectMany(Starts).ToHashSet()).ToList();
            Assert.Equal(starts.Sum(keys => keys.Count), starts.SelectMany(keys => keys).Distinct().Count());
        }

        static IEnumerable<string> Starts(RunConfig config) =>
            config.StartsFrom is { } start ? Starts(start).Append(start.Key) : [];
    }

    [
        Theory,
        InlineData("0/3"),
        InlineData("4/3"),
        InlineData("3"),
        InlineData("a/b"),
        InlineData("1/0"),
        InlineData("-1/3")
    ]
    public void APartIsWrittenAsThreeOfTwelve(string words) =>
        Expect.Refused<ArgumentException>(() => GridPart.Parse(words), $"\"{words}\"", "3/12");

    private static ExperimentOptions Options(string name, Scale scale) =>
        scale < Scale.Gpu
            ? new() { Scale = scale }
            : new()
            {
                SizesOnly = true,
                Scale = scale,
                Data = name == "table3" ? PublishedData.Coco : PublishedData.ImageNet1k,
                Pretraining = PublishedData.ImageNet1k,
            };

    private static Plan Planned(string name, Scale scale, PlanOptions? options = null) =>
        Plan.Of(ExperimentBook.Find(name), new ExperimentOptions { SizesOnly = true, Scale = scale }, options ?? A100);
}
