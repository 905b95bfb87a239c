using PatchKit.Checkpoints;
using PatchKit.Cli;
using PatchKit.Data.Images;
using PatchKit.Models;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using Xunit;
using static TorchSharp.torch;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Cli;

/// <summary>
/// What a command's refusal names as the way out, the command has. Weights at another patch size:
/// https://github.com/microsoft/SimMIM/issues/12, and https://github.com/google-research/big_vision/issues/142, which
/// has the check: an embedding resized to twice the patch gives the same on an image twice as large.
/// </summary>
public sealed class LoadingOptionTests : IDisposable
{
    private static readonly string[] s_library =
    [
        "TransferPatchSize",
        "Strict =",
        "PositionEmbedding.Resize",
        "CheckpointLoading",
    ];

    private readonly OwnVit _vit = new(new VisionTransformerConfig { PatchSize = 8 });

    public void Dispose() => _vit.Dispose();

    /// <summary>
    /// A patch of one colour is one at every size, so that blocks of twice the side give the same tokens, and the same
    /// scores.
    /// </summary>
    [Fact]
    public void APatchSizeIsTransferred()
    {
        string checkpoint = _vit.Write("plain.safetensors");
        File.WriteAllBytes(_vit["small.png"], Blocks(8));
        File.WriteAllBytes(_vit["large.png"], Blocks(16));
        double[] plain = OwnVit.Probabilities(_vit.PredictOn("small.png", checkpoint));
        string sentence = Expect.Refused<CheckpointException>(
            () => _vit.PredictOn("large.png", checkpoint, "--input", "64", "--patch", "16"),
            "--transfer-patch",
            "[24, 3, 8, 8]",
            "[24, 3, 16, 16]"
        );
        Assert.All(s_library, word => Assert.DoesNotContain(word, sentence));
        var run = _vit.PredictOn("large.png", checkpoint, "--input", "64", "--patch", "16", "--transfer-patch");
        Assert.Equal(0, run.Code);
        Assert.Contains(
            "note: patch_embed.proj.weight [24, 3, 8, 8] -> [24, 3, 16, 16], resized by pseudo-inverse",
            run.Errors
        );
        Assert.All(plain.Zip(OwnVit.Probabilities(run)), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    /// <summary>
    /// Of a preset the input stays the one that the weights were trained at: 4 x 4 patches of 8 become 8 x 8 of 4, not
    /// a picture of half the side.
    /// </summary>
    [Fact]
    public void APresetKeepsItsInputSize()
    {
        using (
            var deit = ModelZoo
                .Find("deit-tiny")
                .Create(config => config with { Height = 32, Width = 32, PatchSize = 8, Classes = 5 })
        )
            Safetensors.Write(_vit["deit.safetensors"], deit.state_dict());
        var run = CommandRun.Of(
            PredictCommand.Create(),
            "--model",
            "deit-tiny",
            "--checkpoint",
            _vit["deit.safetensors"],
            "--patch",
            "4",
            "--transfer-patch",
            _vit["picture.png"]
        );
        Assert.Equal(0, run.Code);
        Assert.Contains("pos_embed [1, 17, 192] -> [1, 65, 192]", run.Errors);
    }

    [Fact]
    public void WhatFitsIsTakenOnRequestAndTheRestIsNamed()
    {
        _vit.Weights.Remove("blocks.1.mlp.fc2.bias", out var taken);
        taken!.Dispose();
        using var extra = ones(3);
        string checkpoint = _vit.Write(
            "part.safetensors",
            more: new Dictionary<string, Tensor> { ["extra.weight"] = extra }
        );
        string sentence = Expect.Refused<CheckpointException>(
            () => _vit.Predict(checkpoint),
            "--no-strict",
            "blocks.1.mlp.fc2.bias",
            "extra.weight"
        );
        Assert.All(s_library, word => Assert.DoesNotContain(word, sentence));
        var run = _vit.Predict(checkpoint, "--no-strict");
        Assert.Equal(0, run.Code);
        Assert.Contains("1 of the model's", run.Errors);
        Assert.Contains("stay as they are drawn: blocks.1.mlp.fc2.bias [24]", run.Errors);
        Assert.Contains("extra.weight [3]", run.Errors);
    }

    /// <summary>Positions of 2 x 5 patches, to the model's 4 x 4, as the library resizes them.</summary>
    [Fact]
    public void AGridThatIsNotSquareIsTold()
    {
        using var scope = NewDisposeScope();
        _vit.Weights["pos_embed"] = ones(1, 11, 24).DetachFromDisposeScope();
        string checkpoint = _vit.Write("wide.safetensors");
        string sentence = Expect.Refused<CheckpointException>(
            () => _vit.Predict(checkpoint),
            "has 11 positions",
            "--grid 14x16"
        );
        Assert.All(s_library, word => Assert.DoesNotContain(word, sentence));
        double[] found = OwnVit.Probabilities(_vit.Predict(checkpoint, "--grid", "2x5"));
        _vit.Weights["pos_embed"] = ones(1, 17, 24).DetachFromDisposeScope(); // all alike, whatever the grid
        double[] expected = OwnVit.Probabilities(_vit.Predict(_vit.Write("square.safetensors")));
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Expect.Refused<ArgumentException>(() => _vit.Predict(checkpoint, "--grid", "2,5"), "--grid 2,5 is no grid");
        Expect.Refused<CheckpointException>(() => _vit.Predict(checkpoint, "--grid", "3x3"), "10 patches", "3x3");
    }

    /// <summary>train --start names --transfer-patch, not a library's property, before anything is read.</summary>
    [Fact]
    public void TrainingFromAnotherPatchSizeSaysSoAtOnce()
    {
        var start = new RunConfig
        {
            Model = SmallNet.Vit(16, 4, 16),
            Recipe = Small.Smoke,
            Data = new GeneratedDataConfig(),
            Seed = 1,
        };
        var store = new RunStore(_vit["runs"]);
        Directory.CreateDirectory(store.FolderOf(start));
        RunFile.WriteJson(Path.Combine(store.FolderOf(start), "config.json"), start);
        string[] command = ["--recipe", "smoke", "--start", start.Key, "--patch", "8", "--out", _vit["runs"]];
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(TrainCommand.Create(), command),
            "has patch size 4",
            "--patch 8",
            "--transfer-patch"
        );
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(TrainCommand.Create(), "--recipe", "smoke", "--transfer-patch", "--out", _vit["runs"]),
            "--start"
        );
    }

    private static byte[] Blocks(int side)
    {
        using var image = new Image(4 * side, 4 * side);
        byte[] colours = new byte[4 * 4 * 3];
        new Random(5).NextBytes(colours);
        for (int y = 0; y < image.Height; y++)
        for (int x = 0; x < image.Width; x++)
        for (int channel = 0; channel < 3; channel++)
            image.Pixels[(y * image.Width + x) * 3 + channel] = colours[(y / side * 4 + x / side) * 3 + channel];
        return ImageCodec.EncodePng(image);
    }
}
