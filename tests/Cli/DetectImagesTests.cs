using System.Text.Json;
using PatchKit.Cli;
using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Tests.Data;
using PatchKit.Tests.Models.Detection;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using Xunit;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Cli;

/// <summary>`patchkit predict --task detection`: drawings and COCO's result file from a run of the cache.</summary>
[Trait("speed", "seconds")]
public sealed class DetectImagesTests : IDisposable
{
    private static readonly string Colour = Path.Combine(ImageFiles.Folder, "colour.png"),
        Grey = Path.Combine(ImageFiles.Folder, "grey.jpg");
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-detect-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    private CommandRun Predict(params string[] arguments) =>
        CommandRun.Of(
            PredictCommand.Create(),
            ["--task", "detection", "--runs", In("runs"), "--out", In("found"), .. arguments]
        );

    [Fact]
    public void DrawingsAndAResultFile()
    {
        var trained = new RunStore(In("runs")).Train(
            new RunConfig
            {
                Model = SmallDetector.Backbone(),
                Recipe = DetectionRecipes.Smoke with { Epochs = 1, EpochImages = 4, BatchSize = 4 },
                Task = new DetectionTask(SmallDetector.Config),
                Data = new GeneratedDataConfig
                {
                    Options = MultiScaleBitsOptions.Detection,
                    TestImages = 2,
                    Annotations = Annotations.Objects,
                },
            },
            cancellation: TestContext.Current.CancellationToken
        );
        string numbered = In("000000000139.png"),
            bad = In("bad.png");
        File.Copy(Colour, numbered);
        File.WriteAllText(bad, "no image");

        var run = Predict("--json", "--score", "0", numbered, bad, Grey);
        Assert.Equal(1, run.Code);
        Assert.Contains(bad, run.Errors);
        Assert.Contains(trained.Key, run.Errors);
        var drawings = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(
            [139, 2, 3],
            drawings.EnumerateArray().Select(drawing => drawing.GetProperty("imageId").GetInt64())
        );
        foreach (int i in new[] { 0, 2 })
        {
            using var original = ImageCodec.Read(i == 0 ? numbered : Grey);
            using var drawn = ImageCodec.Read(drawings[i].GetProperty("file").GetString()!);
            Assert.Equal((original.Width, original.Height), (drawn.Width, drawn.Height));
        }
        var found = CocoResults.Load(In("found/detections.json"));
        Assert.NotEmpty(found);
        Assert.Subset(new HashSet<long> { 139, 3 }, found.Select(entry => entry.ImageId).ToHashSet());
        using var image = ImageCodec.Read(numbered);
        Assert.All(
            found.Where(entry => entry.ImageId == 139),
            entry =>
            {
                Assert.InRange(entry.Box!.Value.Right, 0, image.Width + .01);
                Assert.Equal(image.Height, entry.Segmentation!.ToRle(image.Height, image.Width).Height);
            }
        );

        string words = Predict("--run", trained.Key[..6], Grey).Output;
        Assert.Contains("grey-detection.png", words);
        Assert.Contains("detections.json", words);
    }

    [Fact]
    public void WithoutARunThereIsASentence()
    {
        Expect.Refused<ArgumentException>(
            () => Predict(Grey),
            "no finished detection",
            "patchkit run table3",
            "--runs"
        );
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(PredictCommand.Create(), Grey),
            "--model",
            "--checkpoint"
        );
    }
}
