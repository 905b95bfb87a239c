using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Data;

/// <summary>Images and what is known of them.</summary>
/// <param name="Images">(B, 3, H, W), float32.</param>
/// <param name="Labels">(B), int64: the class of each image.</param>
/// <param name="Bits">(B, 4), int64: shape, blotch, fleck and speck, each 0 or 1; generated images only.</param>
/// <param name="Dense">(B, H, W), int64: 0 for background, class + 1 for an object's pixel; where asked for.</param>
/// <param name="Objects">The objects of each image; where asked for.</param>
public sealed record Batch(
    Tensor Images,
    Tensor Labels,
    Tensor? Bits = null,
    Tensor? Dense = null,
    IReadOnlyList<ObjectTargets>? Objects = null
) : IDisposable
{
    /// <summary>Where the images come from and how much of them is padding; sets of images with objects only.</summary>
    public IReadOnlyList<BatchSource>? Sources { get; init; }

    /// <summary>Where images are padding: (B, H, W), bool. Null where none is, or the batch does not say.</summary>
    public Tensor? Padding()
    {
        var (height, width) = (Images.shape[2], Images.shape[3]);
        if (Sources is null || Sources.All(source => (source.Height, source.Width) == (height, width)))
            return null;
        var padding = ones([Images.shape[0], height, width], ScalarType.Bool, Images.device);
        for (int i = 0; i < Sources.Count; i++)
        {
            using var image = padding[i];
            using var rows = image.narrow(0, 0, Sources[i].Height);
            using var filled = rows.narrow(1, 0, Sources[i].Width);
            filled.fill_(false);
        }
        return padding;
    }

    /// <summary>
    /// The batch on a device; where it is there already, the tensors are shared with this one. A GPU gets it from
    /// pinned memory, and nobody waits until it is there.
    /// </summary>
    public Batch To(Device device) =>
        this with
        {
            Images = Sent(Images, device),
            Labels = Sent(Labels, device),
            Dense = Dense is null ? null : Sent(Dense, device),
            Objects = Objects is null ? null : [.. Objects.Select(targets => targets.To(device))],
        };

    /// <summary>This batch, which then outlives the scopes it was made in.</summary>
    internal Batch Detached()
    {
        Tensor?[] own =
        [
            Images,
            Labels,
            Bits,
            Dense,
            .. (Objects ?? []).SelectMany(targets =>
                new[] { targets.Boxes, targets.Classes, targets.Masks, targets.Masked }
            ),
        ];
        foreach (var tensor in own)
            tensor?.DetachFromDisposeScope();
        return this;
    }

    private static Tensor Sent(Tensor tensor, Device device)
    {
        if (device.type != DeviceType.CUDA || tensor.device_type != DeviceType.CPU)
            return tensor.to(device);
        using var pinned = tensor.pin_memory();
        return pinned.to(device, non_blocking: true);
    }

    /// <summary>
    /// The batch, cut into batches of no more than so many images; they share its memory, and each is to be disposed.
    /// </summary>
    /// <param name="most">images in one.</param>
    public IEnumerable<Batch> Parts(int most)
    {
        int count = (int)Images.shape[0];
        for (int first = 0; first < count; first += Math.Min(most, count))
        {
            int size = Math.Min(most, count - first);
            yield return new Batch(
                Images.narrow(0, first, size),
                Labels.narrow(0, first, size),
                Bits?.narrow(0, first, size),
                Dense?.narrow(0, first, size),
                Objects is null ? null : [.. Objects.Skip(first).Take(size).Select(targets => targets.Shared())]
            )
            {
                Sources = Sources is null ? null : [.. Sources.Skip(first).Take(size)],
            };
        }
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
        Bits?.Dispose();
        Dense?.Dispose();
        foreach (var targets in Objects ?? [])
            targets.Dispose();
    }
}
