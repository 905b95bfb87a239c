using static TorchSharp.torch;

namespace PatchKit.Data;

/// <summary>The N objects that can be seen in one image. Boxes and masks are of the visible part.</summary>
/// <param name="Boxes">(N, 4), float32: left, top, right, bottom in pixels, right and bottom exclusive.</param>
/// <param name="Classes">(N), int64, from 0.</param>
/// <param name="Masks">(N, H, W), bool.</param>
public sealed record ObjectTargets(Tensor Boxes, Tensor Classes, Tensor Masks) : IDisposable
{
    /// <summary>(N), bool: whose masks are known, those of the others being their boxes; null where all are.</summary>
    public Tensor? Masked { get; init; }

    /// <summary>The targets on a device; where they are there already, the tensors are shared with these.</summary>
    public ObjectTargets To(Device device) =>
        new(Boxes.to(device), Classes.to(device), Masks.to(device)) { Masked = Masked?.to(device) };

    /// <summary>The same targets, to be disposed on their own.</summary>
    internal ObjectTargets Shared() => new(Boxes.alias(), Classes.alias(), Masks.alias()) { Masked = Masked?.alias() };

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Boxes.Dispose();
        Classes.Dispose();
        Masks.Dispose();
        Masked?.Dispose();
    }
}
