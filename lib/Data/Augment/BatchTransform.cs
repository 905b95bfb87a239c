using PatchKit.Data.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Data.Augment;

/// <summary>
/// Training augmentation of a packed batch on its own device: crop, flip, colour jitter, normalisation, erasing. What
/// happens to an image depends on (seed, epoch, position) alone, except for the noise that fills erased rectangles,
/// which is the device's.
/// </summary>
/// <param name="Size">the side of the result.</param>
public sealed record BatchTransform(int Size)
{
    /// <summary>Random resized crops; where null the image is padded by 4 and a square cut out, as for CIFAR.</summary>
    public RandomResizedCrop? Crop { get; init; }

    /// <summary>Pixels added on every side before a square is cut out.</summary>
    public int Padding { get; init; } = 4;

    /// <summary>Whether padding mirrors the image or is black.</summary>
    public bool Reflect { get; init; }

    /// <summary>How often an image is mirrored.</summary>
    public double Flip { get; init; } = 0.5;

    /// <summary>Brightness, contrast and saturation; null for none.</summary>
    public ColorJitter? Jitter { get; init; }

    /// <summary>Erasing; null for none.</summary>
    public RandomErasing? Erasing { get; init; }

    /// <summary>Bytes to numbers.</summary>
    public Normalization Normalization { get; init; } = Normalization.ImageNet;

    /// <summary>Augments a batch.</summary>
    /// <param name="images">(B, 3, H, W), uint8.</param>
    /// <param name="seed">the run's seed.</param>
    /// <param name="epoch">the epoch.</param>
    /// <param name="firstPosition">the position of the batch's first image in the epoch.</param>
    /// <param name="share">where the images are a share of a batch: how many that has, and their places in it.</param>
    /// <returns>(B, 3, Size, Size), float32.</returns>
    public Tensor Apply(
        Tensor images,
        long seed,
        long epoch,
        long firstPosition,
        (int Batch, int[] Places)? share = null
    )
    {
        int count = (int)images.shape[0],
            height = (int)images.shape[2],
            width = (int)images.shape[3];
        var boxes = new CropBox[count];
        var places = new (int, int)[count];
        var flipped = new bool[count];
        var steps = new (ColorJitter.Kind, double)[count][];
        var erased = new CropBox?[count];
        var shift = new SimpleRandomCrop(Size) { Padding = Padding };
        if (Crop is null && (height + 2 * Padding < Size || width + 2 * Padding < Size))
            throw new ArgumentException(
                $"a square of {Size} pixels does not fit into images of {width} x {height} with {Padding} "
                    + "pixels added on every side; use a smaller one or a random resized crop."
            );
        for (int i = 0; i < count; i++)
        {
            var random = new SampleRandom(seed, epoch, firstPosition + (share?.Places[i] ?? i));
            if (Crop is { } crop)
                boxes[i] = crop.Draw(width, height, ref random);
            else
                places[i] = shift.Draw(width + 2 * Padding, height + 2 * Padding, ref random);
            flipped[i] = random.Chance(Flip);
            if (Jitter is { } jitter)
                steps[i] = jitter.Draw(ref random);
            erased[i] = Erasing?.Draw(Size, Size, ref random);
        }
        using var scope = NewDisposeScope();
        var current = Crop is { } resized
            ? BatchAugment.CropResize(images, boxes, Size, resized.Filter)
            : BatchAugment.PaddedCrop(images, places, Size, Padding, Reflect);
        current = BatchAugment.Flip(current, flipped);
        if (Jitter is not null)
            current = BatchAugment.Jitter(current.to(ScalarType.Float32), steps);
        current = BatchAugment.Normalize(current, Normalization);
        if (erased.Any(box => box is not null))
            current = BatchAugment.Erase(current, erased, share);
        return current.MoveToOuterDisposeScope();
    }
}
