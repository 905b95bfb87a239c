using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Ops;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>
/// Draws the regions that the cascade learns from: of each image's proposals, its objects and moved copies of them, so
/// many that show an object and so many that show background. No gradients.
/// </summary>
/// <param name="config">how many are drawn.</param>
internal sealed class RegionSampler(DetectorConfig config)
{
    /// <summary>Regions (R, 5): the image's place in the batch, then the box.</summary>
    /// <param name="proposed">(K, 4) for each image.</param>
    /// <param name="targets">the objects of each image.</param>
    /// <param name="sizes">height and width of each image inside its padding.</param>
    /// <param name="draw">seeds which are drawn.</param>
    internal Tensor Draw(
        IReadOnlyList<Tensor> proposed,
        IReadOnlyList<ObjectTargets> targets,
        IReadOnlyList<(int Height, int Width)> sizes,
        DetectionDraw draw
    )
    {
        using var recording = no_grad();
        double overlap = config.Cascade[0].Overlap;
        var drawn = new List<Tensor>();
        for (int image = 0; image < targets.Count; image++)
        {
            var random = draw.Regions(image);
            var objects = targets[image].Boxes; // (N, 4)
            var candidates = cat([proposed[image], objects, .. Jittered(objects, sizes[image], ref random)], 0);
            var labels = BoxMatch.Of(candidates, objects, overlap, overlap).Labels;
            var (positive, negative) = BalancedSample.Draw(
                labels,
                config.RegionsPerImage,
                config.PositiveShare,
                ref random
            );
            long[] chosen = [.. positive, .. negative];
            drawn.Add(candidates.index_select(0, tensor(chosen).to(candidates.device)));
        }
        return RegionPool.Rois(drawn);
    }

    // Copies of the objects (N, 4), each moved and resized by up to a quarter.
    private List<Tensor> Jittered(Tensor objects, (int Height, int Width) size, ref SampleRandom random)
    {
        var copies = new List<Tensor>();
        for (int copy = 0; copy < config.Jittered && objects.shape[0] > 0; copy++)
        {
            var deltas = new float[4 * objects.shape[0]];
            foreach (ref float delta in deltas.AsSpan())
                delta = (float)random.Uniform(-.25, .25);
            var moves = tensor(deltas, [objects.shape[0], 4]).to(objects.device);
            copies.Add(Boxes.Clip(Boxes.Decode(moves, objects, (1, 1, 1, 1)), size.Height, size.Width));
        }
        return copies;
    }
}
