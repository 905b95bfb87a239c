using PatchKit.Checkpoints;
using PatchKit.Models;
using PatchKit.Tests.Cli;
using Xunit;
using static TorchSharp.torch;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Models;

/// <summary>
/// Weights whose names were wrapped give the plain weights' prediction, and the report says what was taken off.
/// https://github.com/huggingface/pytorch-image-models/pull/2003 (_orig_mod., alone and with DistributedDataParallel),
/// https://github.com/huggingface/pytorch-image-models/pull/1349 and
/// https://github.com/huggingface/transformers/issues/9209 (model., Lightning),
/// https://github.com/sming256/OpenTAD/issues/44 (module. within state_dict_ema).
/// </summary>
public sealed class WrappedCheckpointTests : IDisposable
{
    private readonly OwnVit _vit = new(new VisionTransformerConfig { PatchSize = 8 });

    public void Dispose() => _vit.Dispose();

    [Theory]
    [InlineData("module.")]
    [InlineData("_orig_mod.")]
    [InlineData("module._orig_mod.")]
    [InlineData("_orig_mod.module.")]
    [InlineData("model.")]
    [InlineData("backbone.")]
    [InlineData("model.backbone.")]
    [InlineData("model._orig_mod.")]
    [InlineData("ema.")]
    [InlineData("ema.module.")]
    [InlineData("state_dict.model.")]
    public void APrefixChangesNoPrediction(string prefix)
    {
        var plain = _vit.Predict(_vit.Write("plain.safetensors"));
        var wrapped = _vit.Predict(_vit.Write("wrapped.safetensors", name => prefix + name));
        Assert.Equal((0, plain.Output), (wrapped.Code, wrapped.Output));
        Assert.Equal("", plain.Errors);
        foreach (string word in prefix.Split('.')[..^1])
            Assert.Contains(word + ".", wrapped.Errors);
        Assert.Contains("taken off the names", wrapped.Errors);
    }

    /// <summary>
    /// torch.compile, FSDP and activation checkpointing of single blocks put their words into the middle of names.
    /// </summary>
    [Theory]
    [InlineData("_orig_mod")]
    [InlineData("_fsdp_wrapped_module")]
    [InlineData("_checkpoint_wrapped_module")]
    public void SoDoesAWordInTheMiddle(string word)
    {
        var wrapped = _vit.Predict(
            _vit.Write("wrapped.safetensors", name => name.Replace("blocks.1.", $"blocks.1.{word}."))
        );
        Assert.Equal(_vit.Predict(_vit.Write("plain.safetensors")).Output, wrapped.Output);
        Assert.Contains($"{word}. taken off", wrapped.Errors);
    }

    [Fact]
    public void WhatStandsBesideTheModelIsLeftOutAndCounted()
    {
        using var other = ones(3);
        string path = _vit.Write(
            "lightning.safetensors",
            name => "model." + name,
            new Dictionary<string, Tensor> { ["criterion.weight"] = other, ["metric.total"] = other }
        );
        var run = _vit.Predict(path);
        Assert.Equal(_vit.Predict(_vit.Write("plain.safetensors")).Output, run.Output);
        Assert.Contains("2 tensors beside model left out, such as criterion.weight", run.Errors);
    }

    [Fact]
    public void OfTwoModelsTheLikelierIsTakenAndTheOtherNamed()
    {
        using var scope = NewDisposeScope();
        var average = _vit.Weights.ToDictionary(entry => "ema.module." + entry.Key, entry => entry.Value * 2);
        string path = _vit.Write("both.safetensors", name => "model." + name, average);
        string plain = _vit.Predict(_vit.Write("plain.safetensors")).Output;
        var run = _vit.Predict(path);
        Assert.Equal(plain, run.Output);
        Assert.Contains("--key ema", run.Errors);
        Assert.NotEqual(plain, _vit.Predict(path, "--key", "ema").Output);
        Assert.Equal(plain, _vit.Predict(path, "--key", "model").Output);
    }

    [Fact]
    public void BetweenTwoAlikeNoneIsChosen()
    {
        string path = _vit.Write(
            "dino.safetensors",
            name => "teacher." + name,
            _vit.Weights.ToDictionary(entry => "pupil." + entry.Key, entry => entry.Value)
        );
        Expect.Refused<CheckpointException>(() => _vit.Predict(path), "holds 2 models", "teacher", "pupil", "--key");
        Assert.Equal(0, _vit.Predict(path, "--key", "pupil").Code);
    }

    [Fact]
    public void TheLibrarysReportSaysItToo()
    {
        using var model = new VisionTransformer(_vit.Config);
        using var file = CheckpointFile.Open(_vit.Write("wrapped.safetensors", name => "module._orig_mod." + name));
        var report = ModelCheckpoint.Load(model, file);
        Assert.True(report.IsExact);
        Assert.Contains("module._orig_mod. taken off the names", report.ToString());
        Assert.All(model.state_dict(), entry => Expect.SameBits(_vit.Weights[entry.Key], entry.Value));
    }
}
