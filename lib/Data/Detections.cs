using static TorchSharp.torch;

namespace PatchKit.Data;

/// <summary>What was found in one image, the surest first.</summary>
/// <param name="Boxes">(N, 4), float32: left, top, right, bottom in pixels.</param>
/// <param name="Scores">(N), float32, 0 to 1.</param>
/// <param name="Classes">(N), int64, from 0.</param>
/// <param name="Masks">(N, m, m), float32: the probability of each part of the box to be the object's.</param>
public sealed record Detections(Tensor Boxes, Tensor Scores, Tensor Classes, Tensor Masks) : IDisposable
{
    /// <summary>How many.</summary>
    public int Count => (int)Scores.shape[0];

    /// <summary>
    /// The same in an image that is larger or smaller by a factor, such as the original of one that was resized.
    /// </summary>
    /// <param name="horizontal">the factor of widths.</param>
    /// <param name="vertical">the factor of heights.</param>
    public Detections Scaled(double horizontal, double vertical)
    {
        using var scope = NewDisposeScope();
        using var factors = tensor(new[] { (float)horizontal, (float)vertical, (float)horizontal, (float)vertical })
            .to(Boxes.device);
        return this with { Boxes = (Boxes * factors).MoveToOuterDisposeScope() };
    }

    /// <summary>
    /// The masks in an image: (N, H, W), bool. A pixel is the object's where the mask, drawn over its box, is at least
    /// one half there.
    /// </summary>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    public Tensor Pasted(int height, int width)
    {
        using var scope = NewDisposeScope();
        int side = Count == 0 ? 0 : (int)Masks.shape[1];
        using var here = Masks.cpu().to_type(ScalarType.Float32).contiguous();
        using var edges = Boxes.cpu().to_type(ScalarType.Float32).contiguous();
        float[] masks = [.. here.data<float>()],
            boxes = [.. edges.data<float>()];
        var pixels = new bool[Count * height * width];
        for (int i = 0; i < Count; i++)
            MaskPaste.Into(
                pixels.AsSpan(i * height * width, height * width),
                width,
                masks.AsSpan(i * side * side, side * side),
                side,
                boxes.AsSpan(4 * i, 4)
            );
        return tensor(pixels, [Count, height, width]).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Boxes.Dispose();
        Scores.Dispose();
        Classes.Dispose();
        Masks.Dispose();
    }
}
