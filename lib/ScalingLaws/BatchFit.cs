namespace PatchKit.ScalingLaws;

/// <summary>How a batch is laid onto GPUs: each takes its share of the images in parts, one after the other.</summary>
/// <param name="Images">at a time on each GPU.</param>
/// <param name="Parts">one after the other: gradient accumulation.</param>
/// <param name="Bytes">that a GPU needs.</param>
/// <param name="Room">bytes that it has.</param>
public sealed record BatchFit(int Images, int Parts, long Bytes, long Room)
{
    /// <summary>Whether it fits.</summary>
    public bool Fits => Bytes <= Room;

    /// <summary>The fewest parts that fit; one image at a time where none do.</summary>
    /// <param name="batch">images of a step.</param>
    /// <param name="gpus">that share it.</param>
    /// <param name="memory">what training holds.</param>
    /// <param name="room">bytes that a GPU has.</param>
    /// <exception cref="ArgumentException">The batch cannot be shared evenly.</exception>
    public static BatchFit Fewest(int batch, int gpus, TrainingMemory memory, long room)
    {
        int share = Share(batch, gpus);
        return Enumerable
                .Range(1, share)
                .Where(parts => share % parts == 0)
                .Select(parts => Of(share, parts, memory, room))
                .FirstOrDefault(fit => fit.Fits)
            ?? Of(share, share, memory, room);
    }

    /// <summary>A number of parts that is given.</summary>
    /// <inheritdoc cref="Fewest"/>
    /// <param name="batch">images of a step.</param>
    /// <param name="gpus">that share it.</param>
    /// <param name="parts">how many.</param>
    /// <param name="memory">what training holds.</param>
    /// <param name="room">bytes that a GPU has.</param>
    public static BatchFit In(int batch, int gpus, int parts, TrainingMemory memory, long room)
    {
        int share = Share(batch, gpus);
        if (parts < 1 || share % parts != 0)
            throw new ArgumentException(
                $"{gpus} GPU{(gpus == 1 ? "" : "s")} share a batch of {batch} by {share} images each, which "
                    + $"do not split into {parts} equal parts; accumulate over a divisor of {share}."
            );
        return Of(share, parts, memory, room);
    }

    private static BatchFit Of(int share, int parts, TrainingMemory memory, long room) =>
        new(share / parts, parts, memory.Bytes(share / parts), room);

    private static int Share(int batch, int gpus)
    {
        if (gpus < 1)
            throw new ArgumentException($"{gpus} GPUs train nothing; use 1 or more.");
        if (batch % gpus == 0)
            return batch / gpus;
        int below = Enumerable.Range(1, gpus).Last(count => batch % count == 0),
            above = Enumerable.Range(gpus, Math.Max(1, batch - gpus + 1)).FirstOrDefault(count => batch % count == 0);
        throw new ArgumentException(
            $"{gpus} GPUs cannot share a batch of {batch} images evenly; "
                + $"use {below}{(above > 0 ? $" or {above}" : "")}."
        );
    }
}
