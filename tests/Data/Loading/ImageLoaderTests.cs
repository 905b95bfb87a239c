using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Loading;
using PatchKit.Data.Sets;
using PatchKit.Tests.Data.Images;
using TorchSharp;
using Xunit;

namespace PatchKit.Tests.Data.Loading;

/// <summary>
/// Batches: the same for any number of threads, resumable, bounded, cancellable; bad files skipped or refused.
/// </summary>
public sealed class ImageLoaderTests : IDisposable
{
    private const int Images = 23;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private readonly string _folder = ImageFiles.Scratch();

    public ImageLoaderTests()
    {
        string[] fixtures = ["colour.png", "progressive.jpg", "grey.jpg", "cmyk.jpg", "palette_4.png"];
        for (int i = 0; i < Images; i++)
        {
            string folder = Path.Combine(_folder, i % 2 == 0 ? "even" : "odd");
            Directory.CreateDirectory(folder);
            File.Copy(
                Path.Combine(ImageFiles.Folder, fixtures[i % 5]),
                Path.Combine(folder, $"{i:00}{Path.GetExtension(fixtures[i % 5])}")
            );
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ThreadsChangeNothing()
    {
        var expected = Read(threads: 1, epoch: 3);
        Assert.Equal(6, expected.Count);
        foreach (int threads in new[] { 2, 3, 7 })
            Assert.Equal(expected, Read(threads, epoch: 3));
        Assert.NotEqual(expected, Read(2, epoch: 4));
        Assert.NotEqual(expected, Read(2, epoch: 3, seed: 2));
        Assert.Equal(expected.Skip(4), Read(2, epoch: 3, firstBatch: 4));
        Assert.Empty(Read(2, epoch: 3, firstBatch: 6));
    }

    [Fact]
    public void OrderAndLastBatch()
    {
        var set = new ImageFolder(_folder);
        var plain = new ImageLoader(set, new EvalTransform(16), new ImageLoaderOptions { BatchSize = 10 });
        Assert.Equal(Enumerable.Range(0, Images), plain.Order(0));
        Assert.Equal(
            (3, 2),
            (
                plain.Batches(),
                new ImageLoader(
                    set,
                    new EvalTransform(16),
                    new ImageLoaderOptions { BatchSize = 10, DropLast = true }
                ).Batches()
            )
        );
        var sizes = plain
            .Epoch(0, cancellation: Stop)
            .Select(batch =>
            {
                using (batch)
                    return batch.Images.shape[0];
            });
        Assert.Equal([10L, 10L, 3L], sizes);
        var shuffled = new ImageLoader(set, new EvalTransform(16), new ImageLoaderOptions { Shuffle = true, Seed = 5 });
        Assert.NotEqual(shuffled.Order(0), shuffled.Order(1));
        Assert.Equal(Enumerable.Range(0, Images), shuffled.Order(0).Order());
        var chosen = new ImageLoader(set, new EvalTransform(16), new ImageLoaderOptions { Order = _ => [4, 4, 1] });
        using var only = Assert.Single(chosen.Epoch(0, cancellation: Stop));
        Assert.Equal(3, only.Images.shape[0]);
    }

    [Fact]
    public void BadFilesStopOrAreLeftOutByName()
    {
        string bad = Path.Combine(_folder, "even", "04.jpg");
        byte[] whole = File.ReadAllBytes(Path.Combine(ImageFiles.Folder, "colour_420.jpg"));
        File.Delete(Path.Combine(_folder, "even", "04.png"));
        File.WriteAllBytes(bad, whole[..(whole.Length / 2)]);
        File.WriteAllText(Path.Combine(_folder, "odd", "99.png"), "no image");

        foreach (int threads in new[] { 1, 4 })
        {
            string sentence = Assert
                .Throws<ImageException>(() => Read(threads, epoch: 0, transform: new EvalTransform(16), shuffle: false))
                .Message;
            Assert.StartsWith($"{bad} is truncated: ", sentence);
            Assert.Contains("--on-bad-sample skip", sentence);
        }
        var set = new ImageFolder(_folder);
        var skipped = new BadSamples(BadSample.Skip);
        long counted = 0;
        foreach (
            var batch in new ImageLoader(
                set,
                new EvalTransform(16),
                new ImageLoaderOptions { BatchSize = 4, Threads = 3 },
                skipped
            ).Epoch(0, cancellation: Stop)
        )
        {
            using (batch)
                counted += batch.Labels.shape[0];
        }
        Assert.Equal((set.Count - 2, 2), (counted, skipped.Count));
        Assert.Contains("2 files were left out: ", skipped.ToString());

        var filled = new ImageLoader(
            set,
            new EvalTransform(16),
            new ImageLoaderOptions
            {
                BatchSize = 4,
                Threads = 3,
                DropLast = true,
                FillGaps = true,
            },
            new BadSamples(BadSample.Skip)
        );
        foreach (var batch in filled.Epoch(0, cancellation: Stop))
        {
            using (batch)
                Assert.Equal(4, batch.Images.shape[0]);
        }
    }

    [Fact]
    public void ReadsOnlyAFewBatchesAhead()
    {
        var source = new CountingSource();
        var loader = new ImageLoader(
            source,
            new EvalTransform(8),
            new ImageLoaderOptions
            {
                BatchSize = 2,
                Threads = 4,
                Prefetch = 3,
            }
        );
        using var epoch = loader.Epoch(0, cancellation: Stop).GetEnumerator();
        Assert.True(epoch.MoveNext());
        epoch.Current.Dispose();
        Thread.Sleep(100);
        Assert.InRange(source.Read_, 2, 2 + 2 * 3);
    }

    [Fact]
    public void CancellationEndsTheEpoch()
    {
        var source = new CountingSource();
        using var stop = new CancellationTokenSource();
        var loader = new ImageLoader(
            source,
            new EvalTransform(8),
            new ImageLoaderOptions { BatchSize = 2, Threads = 2 }
        );
        int batches = 0;
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (var batch in loader.Epoch(0, cancellation: stop.Token))
            {
                batch.Dispose();
                if (++batches == 3)
                    stop.Cancel();
            }
        });
        Assert.Equal(3, batches);
        // An epoch left early ends its threads too.
        foreach (var batch in loader.Epoch(0, cancellation: Stop))
        {
            batch.Dispose();
            break;
        }
    }

    [Fact]
    public void EveryTrainingTransformGivesFiniteBatches()
    {
        TrainTransform[] transforms =
        [
            TrainTransform.WithThreeAugment(24),
            TrainTransform.WithThreeAugment(24, simpleCrop: true),
            TrainTransform.WithRandAugment(40),
            TrainTransform.WithRandAugment(24),
        ];
        foreach (var transform in transforms)
        {
            var batches = Read(2, epoch: 1, transform: transform);
            Assert.Equal(6, batches.Count);
        }
    }

    // A digest of every batch: labels and pixels.
    private List<string> Read(
        int threads,
        long epoch,
        long seed = 1,
        int firstBatch = 0,
        IImageTransform? transform = null,
        bool shuffle = true
    )
    {
        var options = new ImageLoaderOptions
        {
            BatchSize = 4,
            Threads = threads,
            Shuffle = shuffle,
            Seed = seed,
            Prefetch = 2,
        };
        var loader = new ImageLoader(
            new ImageFolder(_folder),
            transform ?? TrainTransform.WithRandAugment(40, erasing: 0.5),
            options
        );
        List<string> digests = [];
        foreach (var batch in loader.Epoch(epoch, firstBatch, Stop))
        {
            using (batch)
            {
                Assert.True(batch.Images.isfinite().all().item<bool>());
                digests.Add(
                    string.Join(",", batch.Labels.data<long>().ToArray())
                        + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(batch.Images.bytes))
                );
            }
        }
        return digests;
    }

    private sealed class CountingSource : IImageSource
    {
        private int _read;

        internal int Read_ => _read;

        public int Count => 1000;

        public IReadOnlyList<string> Classes => ["one"];

        public int Label(int index) => 0;

        public string Name(int index) => $"made {index}";

        public Image Read(int index)
        {
            Interlocked.Increment(ref _read);
            var image = new Image(8, 8);
            image.Pixels.Fill((byte)index);
            return image;
        }
    }
}
