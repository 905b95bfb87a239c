using PatchKit.Data;
using PatchKit.Models.Detection;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>
/// The losses of a detector, or of its pixels. What is drawn depends on the seed, the step and the image's place in the
/// batch alone, in however many parts or shares it comes. But a part's losses are means over the boxes that were drawn
/// in it, so that the mean of parts or shares is the batch's only where each draws as many: a difference that
/// accumulation and data-parallel training of detectors have everywhere.
/// </summary>
public sealed class DetectionObjective : IObjective
{
    private readonly CascadeMaskRcnn _detector;
    private readonly DetectionPhase _phase;
    private readonly long _seed;
    private readonly IReadOnlyList<int>? _places;

    /// <summary>An objective for a detector.</summary>
    /// <param name="detector">the detector.</param>
    /// <param name="phase">what is learnt.</param>
    /// <param name="seed">of the anchors and regions that are drawn.</param>
    /// <param name="places">the places in the batch of the images that are here, where they are a share of it.</param>
    public DetectionObjective(
        CascadeMaskRcnn detector,
        DetectionPhase phase,
        long seed,
        IReadOnlyList<int>? places = null
    ) => (_detector, _phase, _seed, _places) = (detector, phase, seed, places);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch does not say what objects its images hold.</exception>
    public IEnumerable<Tensor> Losses(Batch batch, long step, int parts)
    {
        var objects =
            batch.Objects
            ?? throw new ArgumentException(
                "a detector learns from objects, but the batch has none; open the set with its objects "
                    + "(Annotations.Objects)."
            );
        int size = (int)batch.Images.shape[0] / parts;
        for (int part = 0; part < parts; part++)
        {
            int first = part * size;
            var images = batch.Images.narrow(0, first, size); // (B / parts, 3, H, W)
            var targets = objects.Skip(first).Take(size).ToList();
            yield return _phase == DetectionPhase.Pixels
                ? _detector.PixelLoss(images, targets)
                : _detector
                    .Losses(
                        images,
                        targets,
                        new DetectionDraw(_seed, step, first, _places),
                        Sizes(batch)?[first..(first + size)]
                    )
                    .Total;
        }
    }

    /// <summary>Height and width of each image inside its padding; null where the batch does not say.</summary>
    internal static (int Height, int Width)[]? Sizes(Batch batch) =>
        batch.Sources is null ? null : [.. batch.Sources.Select(source => (source.Height, source.Width))];

    /// <inheritdoc/>
    public string? FirstNonFinite(Batch batch)
    {
        if (_detector.Backbone.FirstNonFinite(batch.Images) is { } part)
            return part;
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        int level = 0;
        foreach (var map in _detector.call(batch.Images))
        {
            if (!map.isfinite().all().item<bool>())
                return $"level {level} of the pyramid";
            level++;
        }
        return null;
    }
}
