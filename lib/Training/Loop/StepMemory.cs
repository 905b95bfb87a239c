using System.Globalization;
using PatchKit.Torch;
using PatchKit.Training.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Loop;

/// <summary>What a training step needs of a device's memory, and the sentence for when it has not so much.</summary>
/// <param name="Device">where the step is taken.</param>
/// <param name="Batch">images of a step on this device.</param>
/// <param name="FixedBytes">parameters, gradients, optimizer and average.</param>
/// <param name="ImageBytes">what comes on top for each image at a time, by the cost model; 0 where it is not
/// known.</param>
internal sealed record StepMemory(Device Device, int Batch, long FixedBytes, long ImageBytes)
{
    private const long Float = 4;

    /// <summary>
    /// Bytes of parameters, their gradients, AdamW's two moments and, where one is kept, the average.
    /// </summary>
    internal static long Fixed(IEnumerable<ParameterGroup> groups, bool average) =>
        (average ? 5 : 4) * Float * groups.SelectMany(group => group.Parameters).Sum(parameter => parameter.numel());

    /// <summary>
    /// The next number of parts: at least twice as many, each of half as many images or fewer; null after one image at
    /// a time.
    /// </summary>
    internal int? MoreParts(int parts) =>
        Divisors().Where(divisor => divisor >= 2 * parts).Cast<int?>().FirstOrDefault();

    /// <summary>What does not fit, what there is, and what would fit.</summary>
    /// <param name="parts">that the batch was split into.</param>
    /// <param name="offer">whether --auto-batch is not in use yet.</param>
    internal string TooLarge(int parts, bool offer = true)
    {
        string what =
            $"a training step with {Images(Batch / parts)} at a "
            + $"time{(parts > 1 ? $" (a batch of {Batch} in {parts} parts)" : "")} does not fit "
            + $"into {Room(Device)}";
        long room = UsableBytes();
        if (MoreParts(parts) is not { } next)
        {
            string image = ImageBytes > 0 ? $", one image about {Gib(ImageBytes)} more by the cost model" : "";
            return $"{what}: parameters, gradients and optimizer take {Gib(FixedBytes)}{image}; use a smaller "
                + "model, larger patches or smaller images, or a device with more memory.";
        }
        int fitting =
            ImageBytes == 0 ? next : Divisors().FirstOrDefault(divisor => divisor >= next && Bytes(divisor) <= room);
        if (fitting == 0)
            return $"{what}, and by the cost model neither does one with one image at a time, "
                + $"about {Gib(Bytes(Batch))}; use a smaller model, larger patches or smaller images, or a "
                + "device with more memory.";
        string expected = ImageBytes == 0 ? "" : $", about {Gib(Bytes(fitting))} of {Gib(room)} by the cost model";
        return $"{what}; give --accumulate {fitting} ({Images(Batch / fitting)} at a "
            + $"time){expected}{(offer ? ", or --auto-batch, which finds the number itself" : "")}.";
    }

    /// <summary>Parameters and optimizer alone do not fit.</summary>
    internal string ModelTooLarge() =>
        $"the model does not fit into {Room(Device)}: parameters, gradients and optimizer "
        + $"take {Gib(FixedBytes)}; use a smaller model, or a device with more memory.";

    /// <summary>"the memory of cuda:0 (NVIDIA H200), 139.8 GiB, of which 139.1 GiB are free for this run".</summary>
    internal static string Room(Device device)
    {
        var memory = Engine.MemoryOf(device);
        string name = Engine.DeviceName(device) is { } known
            ? $"{device} ({known})"
            : $"the {device}".Replace("cpu", "CPU", StringComparison.Ordinal);
        string total = memory.TotalBytes == 0 ? "" : $", {Gib(memory.TotalBytes)}",
            usable = Gib(memory.FreeBytes + memory.LiveBytes),
            free = memory.TotalBytes == 0 || memory.FreeBytes == 0 ? "" : $", of which {usable} are free for this run";
        return $"the memory of {name}{total}{free}";
    }

    /// <summary>"3 images", "one image".</summary>
    internal static string Images(int count) => count == 1 ? "one image" : $"{count:N0} images";

    /// <summary>"9.3 GiB", or "12.4 MiB" where that is less than a tenth of one.</summary>
    internal static string Gib(long bytes) =>
        bytes >= (1L << 30) / 10
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB")
            : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.0} MiB");

    private long UsableBytes() =>
        Engine.MemoryOf(Device) is { FreeBytes: > 0 } memory
            ? memory.FreeBytes + memory.LiveBytes
            : Engine.MemoryOf(Device).TotalBytes;

    private long Bytes(int parts) => FixedBytes + Batch / parts * ImageBytes;

    private IEnumerable<int> Divisors() => Enumerable.Range(1, Batch).Where(divisor => Batch % divisor == 0);
}
