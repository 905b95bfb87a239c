using PatchKit.Cli;
using PatchKit.Experiments;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Recipes;
using Xunit;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Cli;

/// <summary>
/// What is wrong with a command line is one sentence in its own words: no .NET types, no page of help below, no value
/// that means another. https://github.com/dotnet/command-line-api/issues/545 (System.UInt16 in a message),
/// https://github.com/dotnet/command-line-api/issues/2210 (nullable options);
/// https://github.com/pytorch/pytorch/issues/76069 has processes that wait for each other in silence.
/// </summary>
public sealed class ParseSentenceTests
{
    public static TheoryData<string, string> Lines =>
        new()
        {
            { "run table1 --scale 7", "--scale 7 is not known; did you mean" },
            { "run table1 --scale smoke,teach", "--scale smoke,teach is not known" },
            { "run table1 --scale tiny", "There are smoke, teach, gpu, paper" },
            { "report table1 --scale 1", "--scale 1 is not known" },
            { "plan table1 --scale 0", "--scale 0 is not known" },
            {
                "predict --model deit-tiny --checkpoint x --patch 4.5 a.png",
                "--patch 4.5 does not fit; it takes a whole number"
            },
            { "train --recipe smoke --seed 1e3", "--seed 1e3 does not fit; it takes a whole number" },
            { "models --patch 99999999999", "--patch 99999999999 does not fit" },
            { "plan table1 --budget NaN", "--budget NaN does not fit; it takes a number" },
            { "predict --task detection --score Infinity a.png", "--score Infinity does not fit" },
            { "eval --crop-ratio 0,5 --data x", "--crop-ratio 0,5 does not fit" },
            { "train", "patchkit train is not told --recipe" },
            { "train --recipe", "--recipe has no value" },
            { "train --recipe smoke --recipe teach", "--recipe is given 2 times, smoke and teach" },
            { "train --recipe smoke --precision half", "--precision half is not known; did you mean float32?" },
            { "train --recipe smoke --sead 4", "patchkit train has no --sead; did you mean --seed?" },
            { "train --recipe smoke more", "does not know what to do with \"more\"" },
            { "trian --recipe smoke", "patchkit has no command trian; did you mean train?" },
            { "data fetch cifar", "<name> cifar is not known; did you mean cifar10?" },
            { "runs compare a", "takes 2 or more of <keys>, but 1 is given" },
            { "predict", "patchkit predict is not told <images>" },
            { "data", "patchkit data is not told what to do; there are info, verify" },
        };

    [Theory, MemberData(nameof(Lines))]
    public void OneSentence(string line, string words)
    {
        var run = Run(line.Split(' '));
        Assert.Equal((1, ""), (run.Code, run.Output));
        Assert.Contains(words, run.Errors);
        Assert.Single(run.Errors.TrimEnd().Split('\n'));
        Assert.All(
            new[] { "System.", "Nullable", "PatchKit.Experiments", "Usage:", "Description:" },
            word => Assert.DoesNotContain(word, run.Errors)
        );
    }

    [Fact]
    public void HelpIsHelpStill()
    {
        var run = Run("train", "--help");
        Assert.Equal(0, run.Code);
        Assert.Contains("Usage:", run.Output);
        Assert.Equal(0, Run("--version").Code);
    }

    [Theory]
    [InlineData("epochs=1", "epochs=2", "epochs is set twice, by epochs=1 and epochs=2")]
    [InlineData("drop-path=.1", "dropPath=.2", "dropPath is set twice")]
    [InlineData("dropPath=NaN", null, "dropPath=NaN does not fit")]
    [InlineData("schedule=0", null, "schedule=0 does not fit")]
    [InlineData("schedule=official,linear", null, "does not fit")]
    [InlineData("lr=1", null, "did you mean baseLearningRate?")]
    [InlineData("learningRate=1", null, "did you mean baseLearningRate?")]
    [InlineData("learning_rate=1", null, "did you mean baseLearningRate?")]
    [InlineData("wd=1", null, "did you mean weightDecay?")]
    public void ChangesToARecipe(string one, string? other, string words) =>
        Expect.Refused<ArgumentException>(
            () => RecipeOverrides.Apply(RecipeBook.Find("smoke"), other is null ? [one] : [one, other]),
            words
        );

    /// <summary>A parameter cell of a notebook is parsed by the same rule.</summary>
    [Theory, InlineData("1"), InlineData("smoke,teach")]
    public void AScaleIsANameInNotebooksToo(string scale) =>
        Expect.Refused<ArgumentException>(() => ExperimentOptions.Of(scale), $"there is no scale \"{scale}\"");

    [Fact]
    public void AFolderInAFilesPlaceIsCalledSo()
    {
        string folder = Directory.CreateTempSubdirectory("patchkit-public-").FullName;
        try
        {
            string config = Path.Combine(folder, "a.json");
            Directory.CreateDirectory(config);
            using var vit = new OwnVit(new() { PatchSize = 8 });
            string checkpoint = vit.Write("plain.safetensors");
            foreach (
                string[] line in new string[][]
                {
                    ["inspect", folder],
                    ["convert", folder, Path.Combine(folder, "b.safetensors")],
                    ["predict", "--model", config, "--checkpoint", checkpoint, "a.png"],
                    ["predict", "--model", vit["vit.json"], "--checkpoint", folder, "a.png"],
                    [
                        "predict",
                        "--model",
                        vit["vit.json"],
                        "--checkpoint",
                        checkpoint,
                        "--classes",
                        folder,
                        vit["picture.png"],
                    ],
                    ["predict", "--model", vit["vit.json"], "--checkpoint", checkpoint, folder],
                }
            )
            {
                var run = Run(line);
                Assert.Equal(1, run.Code);
                Assert.Contains("is a folder", run.Errors);
                Assert.DoesNotContain("denied", run.Errors);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory, InlineData("0.001"), InlineData("0"), InlineData("1.5"), InlineData("-1")]
    public void ACropRatioIsAShare(string ratio)
    {
        using var vit = new OwnVit(new() { PatchSize = 8 });
        Expect.Refused<ArgumentException>(
            () => vit.Predict(vit.Write("plain.safetensors"), "--crop-ratio", ratio),
            $"--crop-ratio {ratio} does not fit",
            "0.05 to 1"
        );
    }

    [Theory, InlineData("99999"), InlineData("0")]
    public void APortBeyondAllPortsDoesNotWait(string port) =>
        Expect.Refused<ArgumentException>(
            () =>
                RankPlace.From(name =>
                    name switch
                    {
                        "RANK" => "0",
                        "WORLD_SIZE" => "2",
                        "MASTER_ADDR" => "127.0.0.1",
                        "MASTER_PORT" => port,
                        _ => null,
                    }
                ),
            $"port {port} (MASTER_PORT) is none; ports are 1 to 65535"
        );

    private static CommandRun Run(params string[] line)
    {
        var (output, errors) = (Console.Out, Console.Error);
        using StringWriter written = new(),
            complained = new();
        try
        {
            Console.SetOut(written);
            Console.SetError(complained);
            return new CommandRun(CommandLine.Run(line), written.ToString(), complained.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }
}
