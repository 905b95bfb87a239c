using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Tests.Data.Images;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Data.Augment;

/// <summary>The batched tensor forms against the per-image ones.</summary>
public sealed class BatchAugmentTests : IDisposable
{
    private const int Count = 6,
        Height = 29,
        Width = 33;
    private readonly Image[] _images;

    public BatchAugmentTests()
    {
        using var photo = ImageCodec.Read(Path.Combine(ImageFiles.Folder, "colour.png"));
        using var turned = photo.FlipHorizontal();
        using var grey = Tone.Grayscale(photo);
        var noise = new Image(Width, Height);
        new Random(4).NextBytes(noise.Pixels);
        _images = [photo.Clone(), turned.Clone(), grey.Clone(), noise, Tone.Invert(photo), Blur.Gaussian(noise, 1)];
    }

    public void Dispose()
    {
        foreach (var image in _images)
            image.Dispose();
    }

    [Theory, InlineData(ResizeFilter.Bicubic), InlineData(ResizeFilter.Bilinear)]
    public void CropsResizeAsPillow(ResizeFilter filter)
    {
        CropBox[] boxes =
        [
            new(0, 0, Height, Width),
            new(3, 5, 10, 9),
            new(20, 1, 9, 31),
            new(0, 0, 1, 1),
            new(2, 2, 24, 24),
            new(5, 6, 17, 20),
        ];
        using var batch = Batch();
        using var cropped = BatchAugment.CropResize(batch, boxes, 24, filter);
        // Pillow's weights have 22 bits, these are float32: a sum beside a half may round the other way.
        Compare(cropped, i => _images[i].CropResize(boxes[i], 24, 24, filter), 1);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void SquaresAreCutFromPaddedImages(bool reflect)
    {
        (int, int)[] places = [(0, 0), (5, 9), (8, 12), (2, 1), (4, 4), (13, 17)];
        using var batch = Batch();
        using var cut = BatchAugment.PaddedCrop(batch, places, 24, 4, reflect);
        Compare(
            cut,
            i =>
            {
                using var padded = reflect ? _images[i].PadReflect(4) : _images[i].PadBlack(4);
                return padded.Crop(new CropBox(places[i].Item1, places[i].Item2, 24, 24));
            },
            0
        );
        Assert.Contains(
            "is not inside",
            Assert
                .Throws<ArgumentException>(() => BatchAugment.PaddedCrop(batch, [.. places[..5], (14, 17)], 24))
                .Message
        );
    }

    [Fact]
    public void SomeAreFlipped()
    {
        bool[] flipped = [true, false, true, true, false, false];
        using var batch = Batch();
        using var result = BatchAugment.Flip(batch, flipped);
        Compare(result, i => flipped[i] ? _images[i].FlipHorizontal() : _images[i].Clone(), 0);
    }

    [Fact]
    public void JitterIsPillowsToTheLevel()
    {
        var jitter = new ColorJitter();
        var steps = Enumerable
            .Range(0, Count)
            .Select(i =>
            {
                var random = new SampleRandom(5, 0, i);
                return jitter.Draw(ref random);
            })
            .ToArray();
        using var batch = Batch();
        using var levels = batch.to(ScalarType.Float32);
        using var jittered = BatchAugment.Jitter(levels, steps);
        Compare(jittered, i => ColorJitter.Apply(_images[i], steps[i]), 0);
    }

    [Fact]
    public void NormalizesAsPerImage()
    {
        using var batch = Batch();
        using var normal = BatchAugment.Normalize(batch);
        float[] actual = normal.data<float>().ToArray(),
            expected = new float[3 * Height * Width];
        for (int i = 0; i < Count; i++)
        {
            Normalization.ImageNet.Apply(_images[i], expected);
            Assert.All(
                expected.Zip(actual.Skip(i * expected.Length)),
                pair => Assert.Equal(pair.First, pair.Second, 1e-6f)
            );
        }
    }

    [Fact]
    public void ErasesOnlyItsRectangle()
    {
        using var scope = NewDisposeScope();
        CropBox?[] boxes = [new CropBox(3, 4, 10, 20), null, new CropBox(0, 0, 2, 2), null, null, null];
        var images = full([Count, 3, Height, Width], 7f);
        var changed = BatchAugment.Erase(images, boxes).ne(7f).sum([1, 2, 3]).data<long>().ToArray();
        Assert.Equal<long[]>([3 * 200, 0, 3 * 4, 0, 0, 0], changed);
        Assert.Contains(
            "there are 6 images, but parameters for 2",
            Assert.Throws<ArgumentException>(() => BatchAugment.Erase(images, boxes.AsSpan(0, 2))).Message
        );
    }

    [Fact]
    public void AnImageIsAugmentedTheSameInAnyBatch()
    {
        using var scope = NewDisposeScope();
        using var batch = Batch();
        BatchTransform[] transforms =
        [
            new(24) { Crop = new RandomResizedCrop(24), Jitter = new ColorJitter() },
            new(29) { Jitter = new ColorJitter(), Reflect = true },
            new(29) { Erasing = new RandomErasing(0) },
        ];
        foreach (var transform in transforms)
        {
            var whole = transform.Apply(batch, seed: 3, epoch: 2, firstPosition: 100);
            var half = transform.Apply(batch.narrow(0, 3, 3), seed: 3, epoch: 2, firstPosition: 103);
            Assert.Equal<long[]>([Count, 3, transform.Size, transform.Size], whole.shape);
            // a product may round a level otherwise
            Assert.Equal(0, (whole.narrow(0, 3, 3) - half).abs().max().item<float>(), 0.05f);
            Assert.True(
                (whole - transform.Apply(batch, seed: 3, epoch: 3, firstPosition: 100)).abs().max().item<float>() > 0.1f
            );
        }
        Assert.Contains(
            "does not fit",
            Assert.Throws<ArgumentException>(() => new BatchTransform(64).Apply(batch, 1, 0, 0)).Message
        );
    }

    // (B, 3, H, W), bytes
    private Tensor Batch()
    {
        var bytes = _images.SelectMany(image => image.Pixels.ToArray()).ToArray();
        using var rows = tensor(bytes, [Count, Height, Width, 3]);
        return rows.permute(0, 3, 1, 2).contiguous();
    }

    private static void Compare(Tensor actual, Func<int, Image> expected, int levels)
    {
        using var rows = actual.to(ScalarType.Float32).permute(0, 2, 3, 1).contiguous();
        float[] values = rows.data<float>().ToArray();
        int at = 0;
        for (int i = 0; i < Count; i++)
        {
            using var image = expected(i);
            foreach (byte level in image.Pixels)
            {
                float value = values[at++];
                if (Math.Abs(value - level) > levels)
                    Assert.Fail($"image {i}: {value} against {level}, where {levels} levels are allowed");
            }
        }
        Assert.Equal(values.Length, at);
    }
}
