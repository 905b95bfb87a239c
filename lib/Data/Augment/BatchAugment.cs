using PatchKit.Data.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Data.Augment;

/// <summary>
/// Augmentation of whole batches as tensor operations on the device that holds them, for packed sets. Every image has
/// parameters of its own, drawn on the CPU, so that a batch is the same on every device up to rounding.
/// </summary>
public static class BatchAugment
{
    /// <summary>
    /// Boxes cut out and resized with Pillow's antialiased weights: two products per image, each rounded to whole
    /// levels as Pillow does.
    /// </summary>
    /// <param name="images">(B, 3, H, W), bytes or numbers.</param>
    /// <param name="boxes">a box per image.</param>
    /// <param name="size">S, the side of the result.</param>
    /// <param name="filter">bilinear or bicubic.</param>
    /// <returns>(B, 3, S, S), float32, rounded to whole levels 0..255.</returns>
    public static Tensor CropResize(
        Tensor images,
        ReadOnlySpan<CropBox> boxes,
        int size,
        ResizeFilter filter = ResizeFilter.Bicubic
    )
    {
        Matching(images, boxes.Length);
        using var scope = NewDisposeScope();
        long height = images.shape[2],
            width = images.shape[3];
        float[] top = new float[boxes.Length],
            left = new float[boxes.Length],
            rows = new float[boxes.Length],
            columns = new float[boxes.Length];
        for (int i = 0; i < boxes.Length; i++)
            (top[i], left[i], rows[i], columns[i]) = (boxes[i].Top, boxes[i].Left, boxes[i].Height, boxes[i].Width);
        var down = Weights(top, rows, height, size, filter, images.device).unsqueeze(1); // (B, 1, S, H)
        var across = Weights(left, columns, width, size, filter, images.device).unsqueeze(1); // (B, 1, S, W)
        var narrow = Levels(images.to(ScalarType.Float32).matmul(across.transpose(2, 3))); // (B, 3, H, S)
        return Levels(down.matmul(narrow)).MoveToOuterDisposeScope(); // (B, 3, S, S)

        static Tensor Levels(Tensor sums) => sums.add(0.5).floor().clamp(0, 255);
    }

    /// <summary>Squares cut out of padded images, each at its own place (simple random crop).</summary>
    /// <param name="images">(B, 3, H, W).</param>
    /// <param name="places">the place of each square in its padded image.</param>
    /// <param name="size">the side of the squares.</param>
    /// <param name="padding">pixels added on every side.</param>
    /// <param name="reflect">whether the padding mirrors the image or is 0.</param>
    /// <returns>(B, 3, size, size), of the images' type.</returns>
    /// <exception cref="ArgumentException">A square is not inside its padded image.</exception>
    public static Tensor PaddedCrop(
        Tensor images,
        ReadOnlySpan<(int Top, int Left)> places,
        int size,
        int padding = 4,
        bool reflect = true
    )
    {
        Matching(images, places.Length);
        int height = (int)images.shape[2],
            width = (int)images.shape[3];
        var rows = new long[places.Length * size];
        var columns = new long[places.Length * size];
        bool[] outsideRows = new bool[rows.Length],
            outsideColumns = new bool[rows.Length];
        for (int i = 0; i < places.Length; i++)
        {
            var (top, left) = places[i];
            if (top < 0 || left < 0 || top + size > height + 2 * padding || left + size > width + 2 * padding)
                throw new ArgumentException(
                    $"a square of {size} pixels at row {top}, column {left} is not inside an image "
                        + $"of {width} x {height} with {padding} pixels added on every side."
                );
            for (int k = 0; k < size; k++)
            {
                (rows[i * size + k], outsideRows[i * size + k]) = Source(top + k - padding, height);
                (columns[i * size + k], outsideColumns[i * size + k]) = Source(left + k - padding, width);
            }
        }
        using var scope = NewDisposeScope();
        long batch = images.shape[0],
            channels = images.shape[1];
        var row = tensor(rows, [batch, 1, size, 1])
            .to(images.device, non_blocking: true)
            .expand(batch, channels, size, width);
        var column = tensor(columns, [batch, 1, 1, size])
            .to(images.device, non_blocking: true)
            .expand(batch, channels, size, size);
        var cut = images.gather(2, row).gather(3, column); // (B, 3, S, S)
        if (reflect || padding == 0)
            return cut.MoveToOuterDisposeScope();
        var outside = tensor(outsideRows, [batch, 1, size, 1])
            .to(images.device, non_blocking: true)
            .logical_or(tensor(outsideColumns, [batch, 1, 1, size]).to(images.device, non_blocking: true));
        return where(outside, zeros_like(cut), cut).MoveToOuterDisposeScope();

        static (long, bool) Source(int i, int n) =>
            i < 0 ? (-i, true)
            : i >= n ? (2 * (n - 1) - i, true)
            : (i, false);
    }

    /// <summary>Some images mirrored left to right.</summary>
    public static Tensor Flip(Tensor images, bool[] flipped)
    {
        Matching(images, flipped.Length);
        using var scope = NewDisposeScope();
        return where(
                tensor(flipped, [flipped.Length, 1, 1, 1]).to(images.device, non_blocking: true),
                images.flip(3),
                images
            )
            .MoveToOuterDisposeScope();
    }

    /// <summary>Each image through its own <see cref="ColorJitter"/>, bytes after each step as there.</summary>
    /// <param name="images">(B, 3, H, W), float32 levels 0..255.</param>
    /// <param name="steps">the steps of each image, all of the same count.</param>
    public static Tensor Jitter(Tensor images, IReadOnlyList<(ColorJitter.Kind Kind, double Factor)[]> steps)
    {
        Matching(images, steps.Count);
        using var scope = NewDisposeScope();
        var current = images;
        for (int step = 0; step < steps[0].Length; step++)
        {
            foreach (var kind in Enum.GetValues<ColorJitter.Kind>())
            {
                // Factor 1 leaves the images alone whose turn for this operation it is not.
                float[] factors = [.. steps.Select(own => own[step].Kind == kind ? (float)own[step].Factor : 1)];
                if (factors.All(factor => factor == 1))
                    continue;
                var plain = kind switch
                {
                    ColorJitter.Kind.Brightness => zeros_like(current),
                    ColorJitter.Kind.Contrast => Luma(current)
                        .to(ScalarType.Float64)
                        .mean([2, 3], keepdim: true)
                        .add(0.5)
                        .floor()
                        .to(ScalarType.Float32), // (B, 1, 1, 1)
                    _ => Luma(current), // (B, 1, H, W)
                };
                var factor = tensor(factors, [factors.Length, 1, 1, 1]).to(images.device, non_blocking: true);
                current = (plain + factor * (current - plain)).clamp(0, 255).floor();
            }
        }
        return (current.Handle == images.Handle ? images.clone() : current).MoveToOuterDisposeScope();
    }

    /// <summary>Levels 0..255 to normalised numbers, float32.</summary>
    public static Tensor Normalize(Tensor images, Normalization? normalization = null)
    {
        var (mean, deviation) = normalization ?? Normalization.ImageNet;
        using var scope = NewDisposeScope();
        var m = tensor(new[] { mean.Red, mean.Green, mean.Blue }, [1, 3, 1, 1]).to(images.device, non_blocking: true);
        var d = tensor(new[] { deviation.Red, deviation.Green, deviation.Blue }, [1, 3, 1, 1])
            .to(images.device, non_blocking: true);
        return ((images.to(ScalarType.Float32) / 255 - m) / d).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Rectangles replaced by normal noise of the device's default generator; images without one stay whole.
    /// </summary>
    /// <param name="images">(B, 3, H, W), normalised.</param>
    /// <param name="boxes">a rectangle per image, or null.</param>
    /// <param name="share">where the images are a share of a batch: how many that has, and their places in it. The
    /// noise is then that of the whole batch.</param>
    public static Tensor Erase(Tensor images, ReadOnlySpan<CropBox?> boxes, (int Batch, int[] Places)? share = null)
    {
        Matching(images, boxes.Length);
        using var scope = NewDisposeScope();
        var ends = new long[4 * boxes.Length];
        for (int i = 0; i < boxes.Length; i++)
            if (boxes[i] is { } box)
                (ends[4 * i], ends[4 * i + 1], ends[4 * i + 2], ends[4 * i + 3]) = (
                    box.Top,
                    box.Top + box.Height,
                    box.Left,
                    box.Left + box.Width
                );
        var edges = tensor(ends, [boxes.Length, 4, 1, 1, 1]).to(images.device, non_blocking: true); // (B, 4, 1, 1, 1)
        var y = arange(images.shape[2], ScalarType.Int64, images.device).reshape(1, 1, -1, 1);
        var x = arange(images.shape[3], ScalarType.Int64, images.device).reshape(1, 1, 1, -1);
        var inside = y.ge(edges.select(1, 0))
            .logical_and(y.lt(edges.select(1, 1)))
            .logical_and(x.ge(edges.select(1, 2)))
            .logical_and(x.lt(edges.select(1, 3)));
        var noise = randn([share?.Batch ?? images.shape[0], .. images.shape[1..]], images.dtype, images.device);
        if (share is { } part && part.Places.Length < part.Batch)
            noise = noise.index_select(
                0,
                tensor(Array.ConvertAll(part.Places, place => (long)place)).to(images.device)
            );
        return where(inside, noise, images).MoveToOuterDisposeScope();
    }

    // Pillow's grey, exact in float32: all sums are whole numbers below 2^24. (B, 3, H, W) -> (B, 1, H, W)
    private static Tensor Luma(Tensor images) =>
        (images.narrow(1, 0, 1) * 19595 + images.narrow(1, 1, 1) * 38470 + images.narrow(1, 2, 1) * 7471 + 0x8000)
            .div(65536)
            .floor();

    // Row i of an image's matrix holds the weights of output i over all inputs. (B, S, N)
    private static Tensor Weights(
        float[] from,
        float[] lengths,
        long inputs,
        int outputs,
        ResizeFilter filter,
        Device device
    )
    {
        var start = tensor(from, [from.Length, 1, 1]).to(device, non_blocking: true);
        var length = tensor(lengths, [from.Length, 1, 1]).to(device, non_blocking: true);
        var scale = length / outputs; // (B, 1, 1)
        var centre = start + (arange(outputs, ScalarType.Float32, device).reshape(1, -1, 1) + 0.5) * scale; // (B, S, 1)
        var pixel = arange(inputs, ScalarType.Float32, device).reshape(1, 1, -1) + 0.5; // (1, 1, N)
        var distance = ((pixel - centre) / scale.clamp(min: 1)).abs(); // (B, S, N)
        Tensor weight;
        if (filter == ResizeFilter.Bilinear)
            weight = (1 - distance).clamp(min: 0);
        else
        {
            var near = (distance * 1.5 - 2.5) * distance * distance + 1;
            var far = (((distance - 5) * distance + 8) * distance - 4) * -0.5;
            weight = where(distance.lt(1), near, where(distance.lt(2), far, zeros_like(distance)));
        }
        // no pixel from outside the box
        var inside = pixel.ge(start).logical_and(pixel.lt(start + length));
        weight = where(inside, weight, zeros_like(weight));
        return weight / weight.sum(-1, keepdim: true);
    }

    private static void Matching(Tensor images, int count)
    {
        if (images.ndim != 4 || images.shape[1] != 3)
            throw new ArgumentException(
                $"augmentation takes images (B, 3, H, W), but got ({string.Join(", ", images.shape)})."
            );
        if (images.shape[0] != count)
            throw new ArgumentException(
                $"there are {images.shape[0]} images, but parameters for {count}; draw one set for each image."
            );
    }
}
