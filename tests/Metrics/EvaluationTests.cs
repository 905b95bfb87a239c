using PatchKit.Data;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Tests.Torch;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Metrics;

/// <summary>A classifier's loss and accuracies over uneven batches, against the same counted by hand.</summary>
public sealed class EvaluationTests : IDisposable
{
    private static readonly int[] Sizes = [7, 1, 12];
    private readonly MultiScaleBits _set = new(3, DataSplit.Test);
    private readonly Backbone _model = Seeded(16);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void LossAndAccuraciesAreThoseOfTheImages()
    {
        var result = Score(_model, Batches(_set));
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var batch = _set.Batch(0, Sizes.Sum());
        double[,] scores = new double[20, 16];
        _model.eval();
        var flat = _model.call(batch.Images).to(float64).data<double>().ToArray();
        Buffer.BlockCopy(flat, 0, scores, 0, flat.Length * sizeof(double));
        long[] labels = batch.Labels.data<long>().ToArray(),
            bits = batch.Bits!.data<long>().ToArray();
        double loss = 0;
        int first = 0,
            five = 0;
        var right = new double[4];
        for (int i = 0; i < 20; i++)
        {
            double[] row = [.. Enumerable.Range(0, 16).Select(k => scores[i, k])];
            double own = row[labels[i]];
            loss += Math.Log(row.Sum(score => Math.Exp(score - own)));
            int better = row.Count(score => score > own),
                guess = Array.IndexOf(row, row.Max());
            (first, five) = (first + (better < 1 ? 1 : 0), five + (better < 5 ? 1 : 0));
            for (int bit = 0; bit < 4; bit++)
                right[bit] += (guess >> (3 - bit) & 1) == bits[4 * i + bit] ? 1 : 0;
        }
        Assert.Equal(20, result.Images);
        Assert.Equal(loss / 20, result.Loss, 1e-6);
        Assert.Equal(first / 20.0, result.Top1, 1e-12);
        Assert.Equal(five / 20.0, result.Top5, 1e-12);
        Assert.Equal(right.Select(count => count / 20), result.Bits!);
        Assert.True(result.Seconds > 0 && result.ImagesPerSecond == 20 / result.Seconds);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void TheModeIsPutBackAndNothingIsKept(bool training)
    {
        _model.train(training);
        List<long> told = [];
        var modes = new List<(bool Training, bool Recording)>();
        long before = Engine.LiveTensors;
        Score(
            _model,
            Batches(_set),
            progress: done =>
            {
                told.Add(done);
                modes.Add((_model.training, is_grad_enabled()));
            }
        );
        Assert.Equal((before, training, true), (Engine.LiveTensors, _model.training, is_grad_enabled()));
        Assert.Equal([7, 8, 20], told);
        Assert.All(modes, mode => Assert.Equal((false, false), mode));
        Assert.All(_model.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void OtherClassesHaveNoBitsAndFewHaveAllInTheTopFive()
    {
        using var three = Seeded(2);
        var result = Score(
            three,
            Batches(new MultiScaleBits(3, DataSplit.Test, new() { Scales = DetailScales.Shape }))
        );
        Assert.Equal((1.0, null), (result.Top5, result.Bits));
        Assert.InRange(result.Top1, 0, 1);
        Assert.Null(Score(_model, Batches(_set).Select(batch => batch with { Bits = null })).Bits);
    }

    [Fact]
    public void LowerPrecisionIsCloseAndNotTheSame()
    {
        double exact = Score(_model, Batches(_set)).Loss;
        double lower = Score(_model, Batches(_set), autocast: ScalarType.BFloat16).Loss;
        Assert.NotEqual(exact, lower);
        Assert.Equal(exact, lower, 0.02);
    }

    [Fact]
    public void CancellingEndsItAndPutsTheModeBack()
    {
        using var stop = new CancellationTokenSource();
        long before = Engine.LiveTensors;
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Score(_model, Batches(_set), progress: _ => stop.Cancel(), cancellation: stop.Token)
        );
        Assert.Equal((before, true), (Engine.LiveTensors, _model.training));
        Assert.Equal(20, Score(_model, Batches(_set)).Images); // the stop is over
    }

    [Fact]
    public void WhatCannotBeScoredIsRefused()
    {
        using var three = Seeded(3);
        Expect.Refused<ArgumentException>(() => Score(three, Batches(_set)), "3 classes, 0 to 2");
        Expect.Refused<ArgumentException>(() => Score(three, []), "no image");
        Assert.True(three.training);
    }

    private static EvaluationResult Score(
        Backbone model,
        IEnumerable<Batch> batches,
        ScalarType? autocast = null,
        Action<long>? progress = null,
        CancellationToken? cancellation = null
    ) =>
        Evaluation.Classification(
            model,
            batches,
            autocast: autocast,
            progress: progress,
            cancellation: cancellation ?? TestContext.Current.CancellationToken
        );

    private static Backbone Seeded(int classes)
    {
        manual_seed(5);
        return SmallNet.Vit(16, 8, classes).Create();
    }

    private static IEnumerable<Batch> Batches(MultiScaleBits set)
    {
        long first = 0;
        foreach (int size in Sizes)
        {
            yield return set.Batch(first, size);
            first += size;
        }
    }
}
