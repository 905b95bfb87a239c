using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Data;

/// <summary>
/// Generated images with evidence at every scale. The class is four independent bits, coarse to fine
/// (<see cref="DetailScales"/>): the shape of an ellipse, and three textures on it whose mean says nothing. With U =
/// (1,-1,0)/sqrt(2), V = (1,1,-2)/sqrt(6), W = (1,1,1)/sqrt(3), and cells(g, values) independent draws on cells of g x
/// g pixels with a random phase:
/// <code>
/// background  -.6 + U(-.3,.3) per channel + .3 cells(4,{-1,1}) W
/// object      U(-.15,.15) per channel
///   blotch    sqrt(3) a cells(5,{-1,1}) (bit ? U : V)                     a ~ U(.4,.9)    second-order
///   fleck     sqrt(3) a cells(1,{-1,1}) (bit ? U + V : U - V) / sqrt(2)   a ~ U(.3,.8)    second-order
///   speck     (bit ? a : -a) cells(1,{3,-1,-1,-1}) W                      a ~ U(.15,.6)   third-order
/// noise       N(0,s^2) per pixel and channel                              s ~ U(.1,.3) per image
/// </code>
/// The images are built so that evidence sits in fine local statistics: they illustrate why small patches may help, and
/// only real images test whether they do. Image i depends on the seed, the split, the options and i alone, whatever the
/// batch, the threads or the order.
/// </summary>
public sealed class MultiScaleBits
{
    private readonly int _pixels;

    /// <summary>A set of endless images.</summary>
    /// <exception cref="ArgumentException">The options make no images; the message says which.</exception>
    public MultiScaleBits(long seed, DataSplit split = DataSplit.Training, MultiScaleBitsOptions? options = null)
    {
        (Seed, Split, Options) = (seed, split, options ?? new());
        Options.Check();
        _pixels = checked(Options.Height * Options.Width);
    }

    /// <summary>What images are made of.</summary>
    public MultiScaleBitsOptions Options { get; }

    /// <summary>The seed; other seeds give unrelated images.</summary>
    public long Seed { get; }

    /// <summary>The part of the set.</summary>
    public DataSplit Split { get; }

    /// <summary>How many threads paint a batch. It changes no image.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Paints one image.</summary>
    /// <param name="index">Which, from 0.</param>
    /// <param name="image">Room for (3, H, W).</param>
    /// <returns>Its class.</returns>
    /// <exception cref="ArgumentException">The index is negative, or the room is not the image's size.</exception>
    public int Draw(long index, Span<float> image)
    {
        CheckIndex(index);
        if (image.Length != 3 * _pixels)
            throw new ArgumentException(
                $"an image of 3x{Options.Height}x{Options.Width} takes {3 * _pixels} numbers, but there is "
                    + $"room for {image.Length}; give a span of that length."
            );
        Span<DetailScales> bits = stackalloc DetailScales[Options.Objects.Most];
        return ClassOf(bits[Paint(index, image, bits, []) - 1]);
    }

    /// <summary>Images firstIndex to firstIndex + count - 1.</summary>
    /// <param name="firstIndex">The first one, from 0.</param>
    /// <param name="count">B, at least 1.</param>
    /// <param name="annotations">What to give beyond labels and bits. An image of several objects has the label of the
    /// last one, which nothing covers.</param>
    /// <exception cref="ArgumentException">The index is negative, or the batch is empty or too large for one
    /// tensor.</exception>
    public Batch Batch(long firstIndex, int count, Annotations annotations = Annotations.None)
    {
        CheckBatch(firstIndex, count);
        return Batch(firstIndex, [.. Enumerable.Range(0, count)], annotations);
    }

    /// <summary>Images firstIndex + places[0], firstIndex + places[1] and so on: a rank's share of a batch.</summary>
    /// <param name="firstIndex">The batch's first one, from 0.</param>
    /// <param name="places">Which of the batch, at least one.</param>
    /// <param name="annotations">What to give beyond labels and bits.</param>
    /// <exception cref="ArgumentException">An index is negative, or the batch is empty or too large for one
    /// tensor.</exception>
    public Batch Batch(long firstIndex, int[] places, Annotations annotations = Annotations.None)
    {
        CheckBatch(firstIndex, places.Length);
        var images = empty([places.Length, 3, Options.Height, Options.Width], float32);
        return Made(
            images,
            PaintAll(
                firstIndex,
                places,
                annotations,
                i => MemoryMarshal.Cast<byte, float>(images.bytes).Slice(i * 3 * _pixels, 3 * _pixels)
            ),
            annotations
        );
    }

    /// <summary>
    /// Paints the same images now; the tensors are made by what is returned, on the thread that calls it.
    /// </summary>
    /// <inheritdoc cref="Batch(long, int[], Annotations)"/>
    internal Func<Batch> Painted(long firstIndex, int[] places, Annotations annotations = Annotations.None)
    {
        CheckBatch(firstIndex, places.Length);
        var pixels = new float[places.Length * 3 * _pixels];
        var objects = PaintAll(firstIndex, places, annotations, i => pixels.AsSpan(i * 3 * _pixels, 3 * _pixels));
        return () => Made(tensor(pixels, [places.Length, 3, Options.Height, Options.Width]), objects, annotations);
    }

    private (DetailScales[][] Seen, byte[] Owners) PaintAll(
        long firstIndex,
        int[] places,
        Annotations annotations,
        Room room
    )
    {
        int count = places.Length;
        var owners = new byte[annotations == Annotations.None ? 0 : count * _pixels];
        var seen = new DetailScales[count][]; // each image's objects
        Parallel.For(
            0,
            count,
            new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, Threads) },
            i =>
            {
                Span<DetailScales> bits = stackalloc DetailScales[Options.Objects.Most];
                seen[i] = bits[..Paint(firstIndex + places[i], room(i), bits, OwnersOf(owners, i))].ToArray();
            }
        );
        return (seen, owners);
    }

    private Batch Made(Tensor images, (DetailScales[][] Seen, byte[] Owners) painted, Annotations annotations)
    {
        var (seen, owners) = painted;
        int count = seen.Length;
        return new Batch(
            images,
            tensor(Array.ConvertAll(seen, objects => (long)ClassOf(objects[^1]))),
            tensor(seen.SelectMany(objects => Bits(objects[^1])).ToArray(), [count, 4]),
            annotations.HasFlag(Annotations.Dense) ? Dense() : null,
            annotations.HasFlag(Annotations.Objects)
                ? [.. seen.Select((objects, i) => Targets(objects, OwnersOf(owners, i)))]
                : null
        );

        Tensor Dense() =>
            tensor(
                owners.Select((owner, at) => owner == 0 ? 0L : 1 + ClassOf(seen[at / _pixels][owner - 1])).ToArray(),
                [count, Options.Height, Options.Width]
            );
    }

    private Span<byte> OwnersOf(byte[] owners, int i) => owners.Length == 0 ? [] : owners.AsSpan(i * _pixels, _pixels);

    private delegate Span<float> Room(int image);

    /// <summary>The class of a combination of bits: the scales in use as binary digits, the coarsest first.</summary>
    public int ClassOf(DetailScales bits)
    {
        int label = 0;
        for (int scale = (int)DetailScales.Shape; scale > 0; scale >>= 1)
            if (((int)Options.Scales & scale) != 0)
                label = 2 * label + (((int)bits & scale) != 0 ? 1 : 0);
        return label;
    }

    private static long[] Bits(DetailScales bits) =>
        [(long)bits >> 3 & 1, (long)bits >> 2 & 1, (long)bits >> 1 & 1, (long)bits & 1];

    private int Paint(long index, Span<float> image, Span<DetailScales> bits, Span<byte> owners) =>
        ScenePainter.Paint(Options, new CounterRandom(Seed, Split, index), image, bits, owners);

    private ObjectTargets Targets(DetailScales[] objects, ReadOnlySpan<byte> owners)
    {
        var (boxes, classes, masks) = (new List<float>(), new List<long>(), new List<bool>());
        for (int k = 0; k < objects.Length; k++)
        {
            int left = Options.Width,
                top = Options.Height,
                right = 0,
                bottom = 0;
            for (int at = 0; at < owners.Length; at++)
            {
                if (owners[at] != k + 1)
                    continue;
                var (y, x) = Math.DivRem(at, Options.Width);
                (left, top, right, bottom) = (
                    Math.Min(left, x),
                    Math.Min(top, y),
                    Math.Max(right, x + 1),
                    Math.Max(bottom, y + 1)
                );
            }
            if (right == 0)
                continue; // wholly covered
            boxes.AddRange(left, top, right, bottom);
            classes.Add(ClassOf(objects[k]));
            foreach (byte owner in owners)
                masks.Add(owner == k + 1);
        }
        return new ObjectTargets(
            tensor(boxes.ToArray(), [classes.Count, 4]),
            tensor(classes.ToArray()),
            tensor(masks.ToArray(), [classes.Count, Options.Height, Options.Width])
        );
    }

    private void CheckBatch(long firstIndex, int count)
    {
        CheckIndex(firstIndex);
        int most = int.MaxValue / (3 * sizeof(float)) / _pixels;
        if (count < 1 || count > most)
            throw new ArgumentException(
                $"a batch of {count} images of {Options.Height}x{Options.Width} pixels was asked for; use 1 to {most}."
            );
    }

    private static void CheckIndex(long index)
    {
        if (index < 0)
            throw new ArgumentException($"image {index} was asked for, but images are counted from 0.");
    }
}
