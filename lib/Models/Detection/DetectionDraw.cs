using PatchKit.Data.Augment;

namespace PatchKit.Models.Detection;

/// <summary>
/// What is drawn at random in a step: it depends on the run's seed, the step and the image's place in the batch alone.
/// </summary>
/// <param name="Seed">the run's.</param>
/// <param name="Step">counted from 0.</param>
/// <param name="First">the place in the batch of the first image given, where a batch comes in parts.</param>
/// <param name="Places">the places in the batch of a share's images, of which the first one given is then number
/// <paramref name="First"/>; null where all of the batch is here.</param>
public readonly record struct DetectionDraw(long Seed, long Step, int First = 0, IReadOnlyList<int>? Places = null)
{
    // Streams of their own, apart from those of the images (places from 0) and of mixing (-2).
    private const int AnchorStream = -1000,
        RegionStream = -1001,
        Streams = 2;

    internal SampleRandom Anchors(int image) => new(Seed, Step, AnchorStream - Streams * Place(image));

    internal SampleRandom Regions(int image) => new(Seed, Step, RegionStream - Streams * Place(image));

    private long Place(int image) => Places?[First + image] ?? First + image;
}
