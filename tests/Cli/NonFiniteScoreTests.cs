using System.Text.Json;
using PatchKit.Checkpoints;
using PatchKit.Cli;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Models.Detection;
using PatchKit.Torch;
using PatchKit.Training.Runs;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Cli;

/// <summary>
/// NaN is no answer: topk takes it for the largest score, argmax for a class, a threshold for nothing found.
/// https://github.com/pytorch/pytorch/issues/16762 and https://github.com/onnx/onnx/issues/4716 (what topk makes of
/// it).
/// </summary>
public sealed class NonFiniteScoreTests : IDisposable
{
    private readonly OwnVit _vit = new(new VisionTransformerConfig { PatchSize = 8 });

    public void Dispose() => _vit.Dispose();

    [Theory, InlineData(float.NaN), InlineData(float.PositiveInfinity)]
    public void WeightsThatAreNoNumbersAreRefusedByName(float value)
    {
        _vit.Weights["blocks.1.mlp.fc1.bias"][3] = tensor(value);
        string checkpoint = _vit.Write("broken.safetensors");
        string sentence = Expect.Refused<CheckpointException>(
            () => _vit.Predict(checkpoint),
            "1 of 96 numbers in blocks.1.mlp.fc1.bias",
            "not finite"
        );
        Images();
        Assert.Equal(sentence, Expect.Refused<CheckpointException>(() => Eval(checkpoint)));
        Assert.Equal(
            1,
            CommandLine.Run(
                "eval",
                "--model",
                _vit["vit.json"],
                "--checkpoint",
                checkpoint,
                "--data",
                _vit["set"],
                "--json"
            )
        );
    }

    /// <summary>Finite weights whose scores are not: 1e38 times a head of 1e38.</summary>
    [Fact]
    public void ScoresThatOverflowAreRefusedWithTheirPlace()
    {
        foreach (string name in new[] { "norm.weight", "head.weight" })
            _vit.Weights[name].fill_(1e38f);
        string checkpoint = _vit.Write("large.safetensors");
        Expect.Refused<NonFiniteScoresException>(
            () => _vit.Predict(checkpoint),
            "scores that are not finite",
            "the head"
        );
        Images();
        Expect.Refused<NonFiniteScoresException>(() => Eval(checkpoint), "scores that are not finite");
    }

    [Fact]
    public void NoMetricCountsThem()
    {
        using var scope = NewDisposeScope();
        var scores = tensor(new[] { 0f, 1, float.NaN, 0 }, [2, 2]);
        Expect.Refused<NonFiniteScoresException>(() => new TopKAccuracy(1).Add(scores, zeros([2], int64)), "1 of 2");
    }

    /// <summary>A detector of NaN finds nothing, which would be an AP of 0 for a reason that nobody learns.</summary>
    [Fact]
    public void ADetectorDoesNotFindNothingInsteadOfFailing()
    {
        using var scope = NewDisposeScope();
        using var detector = new CascadeMaskRcnn(SmallNet.Vit(32, 8, 0).Create(), 2, new DetectorConfig { Dim = 16 });
        detector.eval();
        using (no_grad())
            foreach (var (name, parameter) in detector.named_parameters())
                if (name.EndsWith("pos_embed", StringComparison.Ordinal))
                    parameter[0, 1, 0] = tensor(float.NaN);
        Expect.Refused<NonFiniteScoresException>(() => detector.Detect(rand([1, 3, 32, 32])), "not finite");
    }

    /// <summary>
    /// A task without accuracy has none: JSON's null. Files from before, with "NaN" in quotes, are still read.
    /// </summary>
    [Fact]
    public void JsonHasNullForNoNumber()
    {
        string json = JsonSerializer.Serialize(
            new EvaluationResult(3, 1.5, double.NaN, double.PositiveInfinity, 2),
            RunConfig.Json
        );
        Assert.DoesNotContain("NaN", json);
        Assert.DoesNotContain("Infinity", json);
        var document = JsonDocument.Parse(json).RootElement;
        Assert.Equal(
            (JsonValueKind.Null, 1.5),
            (document.GetProperty("top1").ValueKind, document.GetProperty("loss").GetDouble())
        );
        Assert.Equal(double.NaN, JsonSerializer.Deserialize<EvaluationResult>(json, RunConfig.Json)!.Top1);
        string before = json.Replace("\"top1\": null", "\"top1\": \"NaN\"");
        Assert.NotEqual(json, before);
        Assert.Equal(double.NaN, JsonSerializer.Deserialize<EvaluationResult>(before, RunConfig.Json)!.Top1);
    }

    private CommandRun Eval(string checkpoint) =>
        CommandRun.Of(
            EvalCommand.Create(),
            "--model",
            _vit["vit.json"],
            "--checkpoint",
            checkpoint,
            "--data",
            _vit["set"],
            "--json"
        );

    private void Images()
    {
        for (int label = 0; label < OwnVit.Classes; label++)
        {
            Directory.CreateDirectory(_vit[$"set/{label}"]);
            File.Copy(_vit["picture.png"], _vit[$"set/{label}/a.png"], overwrite: true);
        }
    }
}
