using System.Text.Json;
using PatchKit.Checkpoints;
using PatchKit.Cli;
using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Loading;
using PatchKit.Data.Packed;
using PatchKit.Data.Sets;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Patchify;
using PatchKit.Tests.Checkpoints;
using PatchKit.Tests.Models;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Cli;

/// <summary>`patchkit eval` against a direct pass through the library, and what it refuses.</summary>
public sealed class EvalCommandTests : IDisposable
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private readonly ScoredModel _scored = new();

    public void Dispose() => _scored.Dispose();

    [Theory, InlineData("1", 4), InlineData("0.875", 100)]
    public void IsWhatADirectPassFinds(string cropRatio, int batchSize)
    {
        var set = _scored.Images;
        var run = Eval("--data", _scored["val"], "--json", "--batch-size", $"{batchSize}", "--crop-ratio", cropRatio);
        Same(run, _scored.Score(set, Enumerable.Range(0, set.Count), double.Parse(cropRatio)), set.Count);
        Assert.Contains($"{set.Count} of {set.Count} images of 10 classes", run.Errors);
    }

    [Fact]
    public void SaysItInWordsToo()
    {
        var set = _scored.Images;
        var (loss, top1, top5) = _scored.Score(set, Enumerable.Range(0, set.Count));
        string[] lines = Eval("--data", _scored["."]).Output.Split('\n'); // val/ below is found
        Assert.Equal([$"top-1  {top1, 9:P2}", $"top-5  {top5, 9:P2}", $"loss   {loss, 7:F4}"], lines[..3]);
        Assert.StartsWith($"{set.Count} images in ", lines[3]);
    }

    [Fact]
    public void ALimitIsSpreadOverTheSet()
    {
        var set = _scored.Images;
        Same(
            Eval("--data", _scored["val"], "--json", "--limit", "5"),
            _scored.Score(set, Enumerable.Range(0, 5).Select(i => i * set.Count / 5)),
            5
        );
        Assert.Equal(
            set.Count,
            Json(Eval("--data", _scored["val"], "--json", "--limit", "1000")).GetProperty("images").GetInt32()
        );
    }

    [Fact]
    public void CifarAndPackedSetsAreScoredAsWell()
    {
        var random = new Random(1);
        var records = new byte[12 * (1 + 3 * 32 * 32)];
        random.NextBytes(records);
        for (int i = 0; i < 12; i++)
            records[i * 3073] = (byte)(i * 7 % 10);
        Directory.CreateDirectory(_scored["cifar"]);
        File.WriteAllBytes(_scored["cifar/test_batch.bin"], records);
        var cifar = Cifar.Open(_scored["cifar"], DataSplit.Test);
        foreach (string path in new[] { "cifar", "cifar/test_batch.bin" })
            Same(Eval("--data", _scored[path], "--json"), _scored.Score(cifar, Enumerable.Range(0, 12)), 12);

        new PackedSetWriter(40).Write(_scored.Images, _scored["packed"], cancellation: Stop);
        using var packed = new PackedSet(_scored["packed"]);
        Same(
            Eval("--data", _scored["packed"], "--json"),
            _scored.Score(packed, Enumerable.Range(0, packed.Count)),
            packed.Count
        );
    }

    [Fact]
    public void AMissingClassFolderIsRefused()
    {
        Directory.Delete(_scored["val/" + ScoredModel.ClassFolder(3)], recursive: true);
        Refused("has 9 class folders", "scores 10 classes: 1 is missing");
        File.WriteAllLines(_scored["classes.txt"], Enumerable.Range(0, 10).Select(ScoredModel.ClassFolder));
        Expect.Refused<ImageException>(
            () => Eval("--data", _scored["val"], "--classes", _scored["classes.txt"]),
            $"lacks {ScoredModel.ClassFolder(3)} of the 10 class folders"
        );
        for (int label = 0; label < 10; label++)
            Directory.CreateDirectory(_scored["train/" + ScoredModel.ClassFolder(label)]);
        Refused($"lacks {ScoredModel.ClassFolder(3)} of the 10 class folders");
        Directory.Delete(_scored["train"], recursive: true);
        foreach (int label in new[] { 3, 10 })
            _scored.Put($"val/{ScoredModel.ClassFolder(label)}/0", "grey.jpg");
        Refused("has 11 class folders", "1 is too many");
        Expect.Refused<ImageException>(
            () => LabelledImages.Open(_scored["val"], 1000, null, "deit.pth"),
            "has 11 class folders, but deit.pth scores 1,000 classes: 989 are missing",
            "n01440764 to n15075141"
        );

        void Refused(params string[] words) =>
            Expect.Refused<ImageException>(() => Eval("--data", _scored["val"]), words);
    }

    [Fact]
    public void AnUnreadableImageStopsOrIsLeftOut()
    {
        var set = _scored.Images;
        var expected = _scored.Score(set, Enumerable.Range(0, set.Count));
        string bad = _scored[$"val/{ScoredModel.ClassFolder(0)}/bad.jpg"];
        File.WriteAllText(bad, "no image");
        Expect.Refused<ImageException>(() => Eval("--data", _scored["val"]), bad, "--on-bad-sample skip");
        var run = Eval("--data", _scored["val"], "--json", "--on-bad-sample", "skip");
        Same(run, expected, set.Count);
        Assert.Equal(1, Json(run).GetProperty("skipped").GetInt32());
        Assert.Contains($"1 file was left out: {bad}", run.Errors);
    }

    /// <summary>
    /// The class token's place tells the two ways of resizing positions apart in an Adventurer, not in a ViT.
    /// </summary>
    [Theory, InlineData("correct"), InlineData("official-shifted")]
    public void PositionsAreResizedAsAsked(string positions)
    {
        using var scope = NewDisposeScope();
        string checkpoint = Fixtures.PathOf("models/adventurer.pth");
        File.WriteAllText(
            _scored["config.json"],
            JsonSerializer.Serialize(
                new RunConfig
                {
                    Model = PthGolden.Adventurer,
                    Recipe = RecipeBook.Find("smoke"),
                    Data = new GeneratedDataConfig(),
                },
                RunConfig.Json
            )
        );
        var run = CommandRun.Of(
            EvalCommand.Create(),
            "--model",
            _scored["config.json"],
            "--checkpoint",
            checkpoint,
            "--input",
            "24",
            "--data",
            _scored["val"],
            "--json",
            "--device",
            "cpu",
            "--positions",
            positions
        );

        using var model = new Adventurer(PthGolden.Adventurer with { Height = 24, Width = 24 });
        using var file = CheckpointFile.Open(checkpoint);
        ModelCheckpoint.Load(
            model,
            file.StateDict(),
            new CheckpointLoading
            {
                Positions = positions == "correct" ? PositionLoading.Correct : PositionLoading.OfficialShifted,
            }
        );
        var direct = Evaluation.Classification(
            model,
            new ImageLoader(_scored.Images, new EvalTransform(24, 1) { Normalization = Normalization.Generated }).Epoch(
                0,
                cancellation: Stop
            ),
            cancellation: Stop
        );
        Same(run, (direct.Loss, direct.Top1, direct.Top5), direct.Images);
        Assert.Contains("note: pos_embed [1, 17, 32] -> [1, 37, 32]", run.Errors);
    }

    [Fact, Trait("speed", "seconds")]
    public void APresetTakesItsSizesFromTheCheckpoint()
    {
        using (
            var model = ModelZoo
                .Find("deit-tiny")
                .Create(c => c with { Height = 48, Width = 48, PatchSize = 8, Classes = 10 })
        )
            Safetensors.Write(_scored["deit.safetensors"], model.state_dict());
        string[] options =
        [
            "--model",
            "deit-tiny",
            "--checkpoint",
            _scored["deit.safetensors"],
            "--data",
            _scored["val"],
            "--json",
            "--limit",
            "2",
            "--device",
            "cpu",
        ];
        var found = Json(CommandRun.Of(EvalCommand.Create(), options));
        Assert.Equal(
            (48, 8, 10),
            (
                found.GetProperty("input").GetInt32(),
                found.GetProperty("patch").GetInt32(),
                found.GetProperty("classes").GetInt32()
            )
        );
        Expect.Refused<CheckpointException>(
            () => CommandRun.Of(EvalCommand.Create(), [.. options, "--patch", "4"]),
            "patch_embed.proj.weight",
            "[192, 3, 8, 8]"
        );
        options[1] = "deit-small";
        Expect.Refused<CheckpointException>(() => CommandRun.Of(EvalCommand.Create(), options), "checkpoint's widths");
    }

    [Fact]
    public void WhatIsNoModelIsRefused()
    {
        string[] data = ["--data", _scored["val"], "--checkpoint", ScoredModel.Checkpoint];
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(EvalCommand.Create(), ["--model", "vit-tiny", .. data]),
            "no model \"vit-tiny\""
        );
        File.WriteAllText(_scored["typo.json"], """{ "$type": "vit", "headz": 3 }""");
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(EvalCommand.Create(), ["--model", _scored["typo.json"], .. data]),
            "typo.json is no model's configuration",
            "headz"
        );
        File.WriteAllText(_scored["untyped.json"], """{ "heads": 3 }""");
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(EvalCommand.Create(), ["--model", _scored["untyped.json"], .. data]),
            "untyped.json is no model's configuration",
            "$type"
        );
        Expect.Refused<CheckpointException>(
            () =>
                CommandRun.Of(
                    EvalCommand.Create(),
                    "--model",
                    "deit-tiny",
                    "--data",
                    _scored["val"],
                    "--checkpoint",
                    Fixtures.PathOf("plain.pth")
                ),
            "plain.pth has no head.weight"
        );
        Expect.Refused<ArgumentException>(() => Eval("--data", _scored["val"], "--limit", "0"), "--limit 0");
        File.WriteAllText(_scored["short.txt"], "ant\nbee\n");
        Expect.Refused<ArgumentException>(
            () => Eval("--data", _scored["val"], "--classes", _scored["short.txt"]),
            "names 2 classes",
            "scores 10"
        );
    }

    private CommandRun Eval(params string[] options) =>
        CommandRun.Of(EvalCommand.Create(), [.. _scored.Options, .. options]);

    private static JsonElement Json(CommandRun run)
    {
        Assert.Equal(0, run.Code);
        return JsonDocument.Parse(run.Output).RootElement;
    }

    private static void Same(CommandRun run, (double Loss, double Top1, double Top5) expected, long images)
    {
        var found = Json(run);
        Assert.Equal(images, found.GetProperty("images").GetInt64());
        Assert.Equal(expected.Loss, found.GetProperty("loss").GetDouble(), 1e-5);
        Assert.Equal(expected.Top1, found.GetProperty("top1").GetDouble(), 1e-12);
        Assert.Equal(expected.Top5, found.GetProperty("top5").GetDouble(), 1e-12);
    }
}
