using static TorchSharp.torch;

namespace PatchKit.Models.Segmentation;

/// <summary>
/// Inference in windows that overlap: an image larger than those a model was trained on is scored piece by piece, and
/// scores are averaged where windows lie over one another.
/// </summary>
/// <param name="Size">the side of a window in pixels.</param>
/// <param name="Stride">from one window to the next, at most the side. The last window of a row or column moves back to
/// the image's edge.</param>
public sealed record SlidingWindow(int Size, int Stride)
{
    /// <summary>
    /// Scores images (B, 3, H, W) of any size: (B, classes, H, W). An image that is smaller than the window is scored
    /// as a whole.
    /// </summary>
    /// <param name="model">images (B, 3, h, w) to scores (B, classes, h, w).</param>
    /// <param name="images">the images.</param>
    /// <exception cref="ArgumentException">The windows do not cover the image.</exception>
    public Tensor Score(Func<Tensor, Tensor> model, Tensor images)
    {
        if (Size < 1 || Stride < 1 || Stride > Size)
            throw new ArgumentException(
                $"windows of {Size} pixels every {Stride} do not cover an image; use a stride from 1 to the "
                    + "window's side."
            );
        using var scope = NewDisposeScope();
        Tensor? sums = null,
            counts = null;
        foreach (var (top, height) in Places((int)images.shape[2]))
        {
            foreach (var (left, width) in Places((int)images.shape[3]))
            {
                using var inner = NewDisposeScope();
                var scores = model(images.narrow(2, top, height).narrow(3, left, width)); // (B, classes, h, w)
                sums ??= zeros(
                        [scores.shape[0], scores.shape[1], images.shape[2], images.shape[3]],
                        scores.dtype,
                        scores.device
                    )
                    .MoveToOuterDisposeScope();
                counts ??= zeros([1, 1, images.shape[2], images.shape[3]], scores.dtype, scores.device)
                    .MoveToOuterDisposeScope();
                sums.narrow(2, top, height).narrow(3, left, width).add_(scores);
                counts.narrow(2, top, height).narrow(3, left, width).add_(1);
            }
        }
        return (sums! / counts!).MoveToOuterDisposeScope();
    }

    /// <summary>Where windows begin along a side, and how long they are there.</summary>
    /// <param name="length">the side of the image.</param>
    public IEnumerable<(int Start, int Length)> Places(int length)
    {
        int count = (Math.Max(length - Size, 0) + Stride - 1) / Stride + 1;
        for (int i = 0; i < count; i++)
            yield return (Math.Max(0, Math.Min(i * Stride, length - Size)), Math.Min(Size, length));
    }
}
