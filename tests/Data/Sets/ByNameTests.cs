using System.Text.Json;
using PatchKit.Checkpoints;
using PatchKit.Cli;
using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;
using PatchKit.Data.Packed;
using PatchKit.Data.Sets;
using PatchKit.Metrics.Coco;
using PatchKit.Models;
using PatchKit.Tests.Cli;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Torch;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Data.Sets;

/// <summary>
/// Classes of two files or folders are joined by their names, never by their places:
/// https://github.com/facebookresearch/maskrcnn-benchmark/issues/970,
/// https://github.com/open-mmlab/mmdetection/issues/1732 (COCO),
/// https://github.com/ultralytics/ultralytics/issues/13936, https://github.com/pytorch/pytorch/issues/116924 (class
/// folders).
/// </summary>
public sealed class ByNameTests : IDisposable
{
    private const string Training = """[{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]""";
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    // The dog is the second class of the model, whatever the validation file's ids and order.
    [Theory]
    [InlineData("""[{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]""", 2)]
    [InlineData("""[{"id": 0, "name": "unused"}, {"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]""", 2)]
    [InlineData("""[{"id": 7, "name": "dog"}, {"id": 8, "name": "cat"}]""", 7)]
    [InlineData("""[{"id": 5, "name": "dog"}]""", 5)]
    public void CocoCategoriesAreKnownByName(string validation, long dog)
    {
        var learnt = Coco("train2017", Training, 2).Instances.Categories;
        Coco("val2017", validation, dog);
        var set = CocoDataset.Open(_scratch["set"], DataSplit.Test, learnt: learnt);
        Assert.Equal(["cat", "dog"], set.Classes);
        using (var sample = set.Read(0))
            Assert.Equal(1, sample.Objects.Single().Class);

        // What the model calls class 1, exactly where it is, is all of the precision that there is to be had; class 0
        // there is none.
        CocoDetection Found(int @class) =>
            new()
            {
                ImageId = 1,
                CategoryId = set.CategoryIds[@class],
                Score = .9,
                Box = new CocoBox(1, 1, 2, 2),
            };
        Assert.Equal(1, CocoEvaluation.Run(set.Instances, [Found(1)], CocoKind.Box).AP, 1e-12);
        Assert.Equal(0, CocoEvaluation.Run(set.Instances, [Found(0)], CocoKind.Box).AP, 1e-12);
    }

    [Theory]
    [InlineData("""[{"id": 1, "name": "cat"}, {"id": 2, "name": "Dog"}]""", "\"Dog\" (2)", "\"dog\"")]
    [InlineData("""[{"id": 1, "name": "cat"}, {"id": 2}]""", "\"\" (2)")]
    [InlineData("""[{"id": 1, "name": "cat"}, {"id": 3, "name": "dog"}, {"id": 2, "name": "dog"}]""", "")]
    [InlineData("""[{"id": 2, "name": "cat"}, {"id": 2, "name": "dog"}]""", "two categories of id 2")]
    public void CocoCategoriesThatHaveNoPartnerAreRefusedByName(string validation, params string[] words)
    {
        var learnt = Coco("train2017", Training, 2).Instances.Categories;
        if (words is not [""])
            Expect.Refused<ImageException>(() => OpenAsLearnt(), [.. words, "instances_val2017.json"]);
        // of two dogs the one with the learnt id is it
        else
            Assert.Equal(["cat", "dog"], OpenAsLearnt().Classes);

        CocoDataset OpenAsLearnt()
        {
            Put("val2017", validation, 2);
            return CocoDataset.Open(_scratch["set"], DataSplit.Test, learnt: learnt);
        }
    }

    [Fact]
    public void ARunOfCocoLearnsTheTrainingFilesClasses()
    {
        Coco("train2017", Training, 2);
        Coco("val2017", """[{"id": 0, "name": "unused"}, {"id": 9, "name": "dog"}]""", 9);
        var data = CocoDataConfig.In(_scratch["set"]);
        Assert.Equal(["cat", "dog"], data.ClassNames);
        using var opened = data.Open(RecipeBook.Find("detection-images"), 1, CPU);
        Assert.Equal(2, opened.Classes);
    }

    [Fact]
    public void ARunKeepsItsClassNamesAndIsScoredByThem()
    {
        foreach (string part in new[] { "train", "val" })
            Folders($"set/{part}", "apple", "berry", "cherry");
        var data = ImageDataConfig.In(_scratch["set"], 8);
        Assert.Equal(["apple", "berry", "cherry"], data.Names);
        string[] options = Run(data);
        Assert.Equal(0, Eval(options, "set").Code);
        Folders("shift", "berry", "cherry", "date");
        Expect.Refused<ImageException>(() => Eval(options, "shift"), "lacks apple", "date");
        Folders("case", "Apple", "berry", "Cherry");
        Expect.Refused<ImageException>(() => Eval(options, "case"), "lacks apple, cherry", "Apple, Cherry");

        using var json = JsonDocument.Parse(
            CommandRun.Of(PredictCommand.Create(), [_scratch["set/val/apple/0.png"], .. options, "--json"]).Output
        );
        Assert.Equal(
            ["apple", "berry", "cherry"],
            json.RootElement[0]
                .GetProperty("classes")
                .EnumerateArray()
                .Select(guess => guess.GetProperty("name").GetString()!)
                .Order()
        );
    }

    [Fact]
    public void APackedSetOfOtherNamesIsRefused()
    {
        foreach (string part in new[] { "train", "val" })
            Folders($"set/{part}", "apple", "berry");
        string[] options = Run(ImageDataConfig.In(_scratch["set"], 8));
        Folders("other", "berry", "cherry");
        new PackedSetWriter(8).Write(
            new ImageFolder(_scratch["other"]),
            _scratch["packed"],
            cancellation: TestContext.Current.CancellationToken
        );
        Expect.Refused<ImageException>(() => Eval(options, "packed"), "berry", "apple");
    }

    [Fact]
    public void NamesAreNoPartOfAKey()
    {
        foreach (string part in new[] { "train", "val" })
            Folders($"set/{part}", "apple", "berry");
        var data = ImageDataConfig.In(_scratch["set"], 8);
        var run = new RunConfig
        {
            Model = SmallNet.Vit(8, 4, 2),
            Recipe = RecipeBook.Find("teach-images"),
            Data = data,
        };
        // results from before names were kept are found
        Assert.Equal(run.Key, (run with { Data = data with { Names = null } }).Key);
    }

    // As many classes of other names: the scores of the earlier ones are no start for them.
    [Fact]
    public void TheHeadOfOtherClassesIsNotTakenOver()
    {
        foreach (string part in new[] { "train", "val" })
        {
            Folders($"fruit/{part}", "apple", "berry");
            Folders($"trees/{part}", "ash", "beech");
        }
        var recipe = RecipeBook.Find("teach-images") with
        {
            Epochs = 1,
            WarmupEpochs = 0,
            EpochImages = 0,
            BatchSize = 2,
            BaseLearningRate = 0,
        };
        var first = new RunConfig
        {
            Model = SmallNet.Vit(8, 4, 2),
            Recipe = recipe,
            Data = ImageDataConfig.In(_scratch["fruit"], 8),
            Seed = 1,
        };
        var store = new RunStore(_scratch["runs"]);
        float[] Head(RunConfig run)
        {
            store.Train(run, cancellation: TestContext.Current.CancellationToken);
            using var scope = NewDisposeScope();
            return
            [
                .. Safetensors
                    .Read(Path.Combine(store.FolderOf(run), RunStore.WeightsFile))["head.weight"]
                    .data<float>(),
            ];
        }
        float[] before = Head(first);
        double Moved(float[] head) => head.Zip(before, (now, then) => Math.Abs(now - then)).Max();
        // little is learnt in one epoch at such a rate
        Assert.InRange(Moved(Head(first with { Seed = 2, StartsFrom = first })), 0, 1e-3);
        Assert.InRange(
            Moved(Head(first with { Seed = 2, StartsFrom = first, Data = ImageDataConfig.In(_scratch["trees"], 8) })),
            1e-2,
            1
        );
    }

    // A sibling: images of `predict` were numbered by their places beside numbers in their names, and drawings of one
    // name written over each other.
    [Fact]
    public void ImagesOfAResultFileHaveIdsOfTheirOwn()
    {
        Assert.Equal([2, 1, 3, 12], DrawingNames.Ids(["cat.jpg", "1.jpg", "dog.png", "00012.png"]));
        Expect.Refused<ArgumentException>(
            () => DrawingNames.Ids(["a/1.jpg", "b/01.jpg"]),
            "a/1.jpg and b/01.jpg",
            "id 1"
        );
        Expect.Refused<ArgumentException>(
            () => DrawingNames.Files(["a/x.jpg", "b/x.jpg"], "out", "detection"),
            "a/x.jpg and b/x.jpg",
            "x-detection.png"
        );
    }

    private CocoDataset Coco(string part, string categories, long dog)
    {
        Put(part, categories, dog);
        return CocoDataset.Open(_scratch["set"], part == "train2017" ? DataSplit.Training : DataSplit.Test);
    }

    private void Put(string part, string categories, long dog)
    {
        _scratch.Put($"set/{part}/a.png", Pngs.OfRgb(8, 8, (_, _) => (9, 9, 9)));
        _scratch.Put(
            $"set/annotations/instances_{part}.json",
            $$"""
            {"images": [{"id": 1, "width": 8, "height": 8, "file_name": "a.png"}], "categories": {{categories}},
             "annotations": [{"id": 1, "image_id": 1, "category_id": {{dog}}, "area": 4, "bbox": [1, 1, 2, 2]}]}
            """
        );
    }

    private void Folders(string folder, params string[] classes)
    {
        foreach (var (i, name) in classes.Index())
            for (int k = 0; k < 2; k++)
                _scratch.Put($"{folder}/{name}/{k}.png", Pngs.OfRgb(8, 8, (x, y) => (80 * i, 10 * x + k, 10 * y)));
    }

    // A run's folder as training leaves it.
    private string[] Run(ImageDataConfig data)
    {
        using var scope = NewDisposeScope();
        var config = new RunConfig
        {
            Model = SmallNet.Vit(8, 4, data.Classes),
            Recipe = RecipeBook.Find("teach-images"),
            Data = data,
        };
        using var model = config.Model.Create();
        Safetensors.Write(_scratch["model.safetensors"], model.state_dict());
        RunFile.WriteJson(_scratch["config.json"], config);
        return ["--model", _scratch["config.json"], "--checkpoint", _scratch["model.safetensors"]];
    }

    private CommandRun Eval(string[] options, string set) =>
        CommandRun.Of(EvalCommand.Create(), [.. options, "--data", _scratch[set], "--json"]);
}
