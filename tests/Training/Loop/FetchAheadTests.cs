using PatchKit.Data;
using PatchKit.Data.Images;
using PatchKit.Data.Loading;
using PatchKit.Tests.Torch;
using PatchKit.Training;
using PatchKit.Training.Loop;
using PatchKit.Training.Recipes;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Loop;

/// <summary>
/// Batches that are fetched while a step is computed: the same ones, errors in order, and stopping at once.
/// </summary>
[Trait("speed", "seconds")]
public sealed class FetchAheadTests : IDisposable
{
    private static readonly SmallRun s_run = new(SmallRun.Full, SmallRun.Generated);
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-ahead-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, InlineData(false), InlineData(true)]
    public void TheRunIsTheSameBits(bool images)
    {
        var run = images
            ? s_run with
            {
                Data = ImageDataConfig.In(SmallImages.Cifar(In("cifar")), 16),
                Recipe = s_run.Recipe with { EpochImages = 0 },
            }
            : s_run;
        run.Train(In("plain"));
        run.Train(In("ahead"), options: Ahead);
        Assert.Equal(SmallRun.Left(In("plain")), SmallRun.Left(In("ahead")));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void AStoppedRunGoesOnToTheSameBits(bool waiting)
    {
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            s_run.Train(In("run"), stop, Ahead, through: data => new StoppingData(data, 11, waiting, stop))
        );
        s_run.Train(In("run"), options: Ahead);
        s_run.Train(In("plain"));
        Assert.Equal(SmallRun.Left(In("plain")), SmallRun.Left(In("run")));
    }

    [Fact]
    public void AnErrorComesWhenItsBatchIsDue()
    {
        var steps = new List<long>();
        Expect.Refused<ImageException>(
            () =>
                s_run.Train(
                    In("run"),
                    options: Ahead,
                    through: data => new BrokenData(data, 5),
                    objective: own => new ChangedObjective(own, (_, step) => steps.Add(step))
                ),
            "fifth.png"
        );
        Assert.Equal([0, 1, 2, 3, 4], steps);
        s_run.Train(In("run"), options: Ahead);
        s_run.Train(In("plain"));
        Assert.Equal(SmallRun.Left(In("plain")), SmallRun.Left(In("run")));
    }

    [Fact]
    public void PaintedImagesAreTheSameHoweverManyAreAhead()
    {
        var set = new MultiScaleBits(4, options: MultiScaleBitsOptions.Segmentation);
        const Annotations all = Annotations.Dense | Annotations.Objects;
        using var scope = NewDisposeScope();
        int at = 0;
        foreach (
            var painted in PatchKit.Data.Loading.Ahead.InOrder(
                [0L, 4, 8, 12, 16],
                first => set.Painted(first, [.. Enumerable.Range(0, 4)], all),
                2,
                TestContext.Current.CancellationToken
            )
        )
        {
            var (batch, plain) = (painted(), set.Batch(at, 4, all));
            foreach (
                var (one, other) in new[]
                {
                    (plain.Images, batch.Images),
                    (plain.Labels, batch.Labels),
                    (plain.Bits!, batch.Bits!),
                    (plain.Dense!, batch.Dense!),
                }
            )
                Expect.SameBits(one, other);
            foreach (var (one, other) in plain.Objects!.Zip(batch.Objects!))
                Expect.SameBits(one.Masks, other.Masks);
            at += 4;
        }
        Assert.Equal(20, at);
    }

    [Fact]
    public void WorkAheadIsInOrderBoundedAndFailsInItsPlace()
    {
        var (got, begun, most) = (new List<int>(), 0, 0);
        Expect.Refused<InvalidOperationException>(
            () =>
            {
                foreach (
                    int item in PatchKit.Data.Loading.Ahead.InOrder(
                        Given(),
                        item => item == 6 ? throw new InvalidOperationException("six") : item,
                        3,
                        TestContext.Current.CancellationToken
                    )
                )
                {
                    got.Add(item);
                    most = Math.Max(most, begun - got.Count);
                }
            },
            "six"
        );
        Assert.Equal([0, 1, 2, 3, 4, 5], got);
        Assert.InRange(most, 1, 3);
        using var stop = new CancellationTokenSource();
        Assert.Equal(
            [0, 1],
            PatchKit
                .Data.Loading.Ahead.InOrder(Given(), item => item, 3, stop.Token)
                .Select(item =>
                {
                    if (item == 1)
                        stop.Cancel();
                    return item;
                })
        );

        IEnumerable<int> Given()
        {
            for (int item = 0; item < 20; item++)
            {
                begun = item + 1;
                yield return item;
            }
        }
    }

    private static TrainerOptions Ahead(TrainerOptions options) => options with { FetchAhead = true };

    private string In(string name) => Path.Combine(_folder, name);

    /// <summary>Images of which one batch cannot be read.</summary>
    private sealed class BrokenData(TrainingData images, int batch) : TrainingData
    {
        public override int Classes => images.Classes;

        public override long EpochImages => images.EpochImages;

        public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation) =>
            images
                .Training(epoch, firstStep, cancellation)
                .Select(
                    (one, i) => firstStep + i == batch ? throw new ImageException("fifth.png", "is no image") : one
                );

        public override IEnumerable<Batch> Test(CancellationToken cancellation) => images.Test(cancellation);
    }
}
