using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Loading;
using PatchKit.Tests.Torch;
using PatchKit.Tests.Training;
using PatchKit.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Data.Loading;

/// <summary>The shares of a batch together are the batch, and each holds whole pairs of what Mixup pairs.</summary>
public sealed class BatchShareTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-share-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [
        Theory,
        InlineData(8, 2, true),
        InlineData(16, 4, true),
        InlineData(6, 1, true),
        InlineData(6, 2, false),
        InlineData(4, 4, false),
        InlineData(8, 2, false)
    ]
    public void SharesAreTheBatch(int batch, int ranks, bool pairs)
    {
        int[][] shares =
        [
            .. Enumerable.Range(0, ranks).Select(rank => new BatchShare(rank, ranks, pairs).Places(batch)),
        ];
        Assert.Equal(Enumerable.Range(0, batch), shares.SelectMany(places => places).Order());
        Assert.All(shares, places => Assert.Equal(batch / ranks, places.Length));
        if (pairs)
            Assert.All(shares, places => Assert.Equal(places.Select(place => batch - 1 - place), places.Reverse()));
        else
            Assert.Equal(Enumerable.Range(0, batch), shares.SelectMany(places => places));
    }

    [Fact]
    public void ABatchThatDoesNotSplitIsRefused()
    {
        Expect.Refused<ArgumentException>(
            () => new BatchShare(0, 3).Places(64),
            "a batch of 64 images does not split evenly over 3 ranks; start a number of ranks that divides 64"
        );
        Expect.Refused<ArgumentException>(
            () => new BatchShare(0, 2, Pairs: true).Places(6),
            "each of 2 ranks takes 3 of 6"
        );
    }

    /// <summary>
    /// Of every kind of data: what a rank is given is the whole batch's images at its places, to the bit.
    /// </summary>
    [
        Theory,
        InlineData("generated"),
        InlineData("resident"),
        InlineData("files"),
        InlineData("repeated"),
        InlineData("segmentation"),
        Trait("speed", "seconds")
    ]
    public void ARankReadsItsPlaces(string kind)
    {
        var recipe = SmallRun.Plain with { EpochImages = 0, RandomErasing = .5 };
        DataConfig data = kind switch
        {
            "generated" => SmallRun.Generated,
            "resident" => ImageDataConfig.In(SmallImages.Cifar(_folder)),
            "segmentation" => SegmentationDataConfig.In(Segmentation.Scenes.Write(_folder), (16, 16)),
            _ => ImageDataConfig.In(kind == "repeated" ? Many() : SmallImages.Folders(_folder), 16),
        };
        if (kind == "generated")
            recipe = recipe with { EpochImages = 64 };
        if (kind == "repeated")
            recipe = recipe with { RepeatedAugmentation = true, ThreeAugment = true };
        if (kind == "segmentation")
            recipe = recipe with { BatchSize = 4 };
        using var whole = data.Open(recipe, 5, CPU);
        foreach (int rank in new[] { 0, 1 })
        {
            using var part = data.Open(recipe, 5, CPU, new BatchShare(rank, 2, Pairs: true));
            long[] places =
            [
                .. new BatchShare(rank, 2, Pairs: true).Places(recipe.BatchSize).Select(place => (long)place),
            ];
            Assert.Equal(whole.EpochImages, part.EpochImages);
            int batches = 0;
            foreach (
                var (all, own) in whole
                    .Training(1, 1, CancellationToken.None)
                    .Zip(part.Training(1, 1, CancellationToken.None))
            )
            {
                using (all)
                using (own)
                using (NewDisposeScope())
                {
                    var at = tensor(places);
                    Expect.SameBits(all.Images.index_select(0, at), own.Images);
                    Assert.Equal(
                        all.Labels.index_select(0, at).data<long>().ToArray(),
                        own.Labels.data<long>().ToArray()
                    );
                    if (all.Dense is not null)
                        Expect.SameBits(all.Dense.index_select(0, at), own.Dense!);
                    batches++;
                }
            }
            Assert.InRange(batches, 1, int.MaxValue);
        }
    }

    // The official sampler gives nothing for fewer than 256 images.
    private string Many()
    {
        var random = new Random(3);
        foreach (var (part, count) in new[] { ("train", 300), ("val", 4) })
            for (int i = 0; i < count; i++)
            {
                string below = Directory.CreateDirectory(Path.Combine(_folder, part, $"class-{i % 2}")).FullName;
                using var image = new Image(18, 17);
                random.NextBytes(image.Pixels);
                File.WriteAllBytes(Path.Combine(below, $"{i:000}.png"), ImageCodec.EncodePng(image));
            }
        return _folder;
    }
}
