using System.Diagnostics;
using System.Text.Json;
using PatchKit.Cli;
using PatchKit.Data.Images;
using PatchKit.Data.Segmentation;
using PatchKit.Data.Sets;
using Xunit;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Cli;

/// <summary>
/// The data commands know the sets that training knows. https://github.com/zhouchenlin2096/Spikingformer-CML/issues/7
/// (the folder above CIFAR's files), https://github.com/facebookresearch/simsiam/issues/49 (a folder without class
/// folders).
/// </summary>
public sealed class DataPlaceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-public-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// `data fetch NAME --out DIR` says how to get what may not be fetched, with its place; it does not stumble over
    /// the option.
    /// </summary>
    [
        Theory,
        InlineData("imagenet.sh", "ILSVRC2012_img_train.tar"),
        InlineData("ade20k.sh", "ADEChallengeData2016.zip")
    ]
    public void ASetThatIsNotFetchedIsExplained(string script, string archive)
    {
        string target = Path.Combine(_folder, "set");
        var (code, output, errors) = Script(script, "--fetch", target);
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains(archive, output);
        Assert.Contains($"DIR is {target}", output);
        File.WriteAllText(Path.Combine(_folder, "file"), "");
        Assert.Contains(
            "is a file, where a folder is wanted",
            Script(script, "--fetch", Path.Combine(_folder, "file")).Errors
        );
    }

    /// <summary>What lies there already is checked.</summary>
    [Fact]
    public void ASetThatIsThereIsChecked()
    {
        foreach (
            string part in new[]
            {
                "images/training",
                "images/validation",
                "annotations/training",
                "annotations/validation",
            }
        )
            Directory.CreateDirectory(Path.Combine(_folder, part));
        var (code, output, errors) = Script("ade20k.sh", "--fetch", _folder);
        Assert.Equal(1, code);
        Assert.Contains("20,210 are expected", output);
        Assert.Contains("is not a complete ADE20K", errors);
    }

    [Fact]
    public void Ade20KsLayoutIsLookedIntoAndVerified()
    {
        MakeSegmentation();
        var info = CommandRun.Of(DataCommand.Create(), "info", _folder);
        Assert.Equal(0, info.Code);
        Assert.Contains("ADE20K's layout", info.Output);
        Assert.Contains("2 classes: sky, tree", info.Output);
        Assert.Equal(["training", "3", "3", "12", "x", "8"], Row(info, "training"));
        Assert.Equal(["validation", "2", "2", "12", "x", "8"], Row(info, "validation"));
        Assert.Contains("5 images, all can be read", CommandRun.Of(DataCommand.Create(), "verify", _folder).Output);

        File.Delete(Path.Combine(_folder, "annotations/validation/1.png"));
        File.WriteAllText(Path.Combine(_folder, "images/training/0.png"), "no image");
        var verify = CommandRun.Of(DataCommand.Create(), "verify", _folder);
        Assert.Equal(1, verify.Code);
        Assert.Contains("annotations/validation/1.png does not exist", verify.Output);
        Assert.Contains("images/training/0.png", verify.Output);
        Assert.Contains("2 files are bad", verify.Output);
    }

    [Fact]
    public void CocosLayoutIsLookedIntoAndVerified()
    {
        MakeCoco("train2017", 3);
        MakeCoco("val2017", 2);
        var info = CommandRun.Of(DataCommand.Create(), "info", _folder);
        Assert.Equal(0, info.Code);
        Assert.Contains("COCO's format", info.Output);
        Assert.Contains("1 classes: box", info.Output);
        // one object is a crowd
        Assert.Equal(["training", "3", "2", "1", "0", "12", "x", "8"], Row(info, "training"));
        Assert.Equal(["validation", "2", "1", "1", "0", "12", "x", "8"], Row(info, "validation"));
        Assert.Contains("5 images, all can be read", CommandRun.Of(DataCommand.Create(), "verify", _folder).Output);

        Picture(Path.Combine(_folder, "val2017/1.png"), 7, 8);
        var verify = CommandRun.Of(DataCommand.Create(), "verify", _folder);
        Assert.Equal(1, verify.Code);
        Assert.Contains("has 7 x 8 pixels", verify.Output);
    }

    /// <summary>eval takes the folder that train takes: the one above cifar-10-batches-bin, too.</summary>
    [Theory, InlineData(""), InlineData("cifar-10-batches-bin")]
    public void CifarIsFoundWhereTrainingFindsIt(string below)
    {
        string folder = Path.Combine(_folder, below);
        Directory.CreateDirectory(folder);
        var record = new byte[3073];
        foreach (string name in new[] { "data_batch_1.bin", "data_batch_2.bin", "test_batch.bin" })
            File.WriteAllBytes(Path.Combine(folder, name), [.. record, .. record]);
        var trained = DataFolder.Open(_folder);
        var scored = LabelledImages.Open(_folder, 10, null, "weights");
        Assert.Equal((4, 2, 2), (trained.Training.Count, trained.Test.Count, scored.Count));
        Assert.Equal(trained.Test.Classes, scored.Classes);
    }

    [Fact]
    public void APhotographIsNoDamagedCifar()
    {
        string photo = Path.Combine(_folder, "photo.png");
        Picture(photo, 12, 8);
        string sentence = Expect.Refused<ImageException>(
            () => LabelledImages.Open(photo, 10, null, "weights"),
            "photo.png is no set of labelled images but one file",
            "patchkit predict"
        );
        Assert.DoesNotContain("damaged", sentence);
    }

    private void MakeSegmentation()
    {
        File.WriteAllText(Path.Combine(_folder, "objectInfo.txt"), "1 sky\n2 tree\n");
        foreach (var (part, count) in new[] { ("training", 3), ("validation", 2) })
        {
            Directory.CreateDirectory(Path.Combine(_folder, "images", part));
            Directory.CreateDirectory(Path.Combine(_folder, "annotations", part));
            for (int i = 0; i < count; i++)
            {
                Picture(Path.Combine(_folder, "images", part, $"{i}.png"), 12, 8);
                File.WriteAllBytes(
                    Path.Combine(_folder, "annotations", part, $"{i}.png"),
                    new LabelMap(12, 8, [.. Enumerable.Range(0, 96).Select(at => (byte)(at % 2))]).ToPng()
                );
            }
        }
    }

    private void MakeCoco(string part, int count)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "annotations"));
        Directory.CreateDirectory(Path.Combine(_folder, part));
        for (int i = 0; i < count; i++)
            Picture(Path.Combine(_folder, part, $"{i}.png"), 12, 8);
        File.WriteAllText(
            Path.Combine(_folder, $"annotations/instances_{part}.json"),
            JsonSerializer.Serialize(
                new
                {
                    images = Enumerable
                        .Range(0, count)
                        .Select(i => new
                        {
                            id = i + 1,
                            file_name = $"{i}.png",
                            width = 12,
                            height = 8,
                        }),
                    categories = new[] { new { id = 1, name = "box" } },
                    annotations = Enumerable
                        .Range(0, count)
                        .Select(i =>
                            i == 0
                                ? (object)
                                    new
                                    {
                                        id = i + 1,
                                        image_id = i + 1,
                                        category_id = 1,
                                        iscrowd = 1,
                                        area = 16,
                                        bbox = new[] { 2, 2, 4, 4 },
                                        segmentation = new
                                        {
                                            size = new[] { 8, 12 },
                                            counts = new[] { 18, 4, 4, 4, 4, 4, 4, 4, 50 },
                                        },
                                    }
                                : new
                                {
                                    id = i + 1,
                                    image_id = i + 1,
                                    category_id = 1,
                                    iscrowd = 0,
                                    area = 16,
                                    bbox = new[] { 2, 2, 4, 4 },
                                    segmentation = new[] { new[] { 2, 2, 6, 2, 6, 6, 2, 6 } },
                                }
                        ),
                }
            )
        );
    }

    private static void Picture(string path, int width, int height)
    {
        using var image = new Image(width, height);
        new Random(1).NextBytes(image.Pixels);
        File.WriteAllBytes(path, ImageCodec.EncodePng(image));
    }

    private static string[] Row(CommandRun run, string name) =>
        run
            .Output.Split('\n')
            .First(line => line.Trim().StartsWith(name, StringComparison.Ordinal))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static (int Code, string Output, string Errors) Script(string name, params string[] arguments)
    {
        string? root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "data-scripts", name)))
            root = Path.GetDirectoryName(root);
        using var process = Process.Start(
            new ProcessStartInfo("bash", [Path.Combine(root!, "data-scripts", name), .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }
}
