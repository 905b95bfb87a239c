using PatchKit.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>The class of each cell of a level, read off the objects' masks at the cell's middle.</summary>
internal static class PixelTargets
{
    /// <summary>The pixels of objects whose masks are not known: they teach nothing.</summary>
    internal const long Unknown = -100;

    /// <summary>(B, h, w), int64: 0 for background, class + 1 for an object.</summary>
    /// <param name="targets">the objects of each image.</param>
    /// <param name="height">of the images.</param>
    /// <param name="width">of the images.</param>
    /// <param name="stride">pixels along the side of a cell.</param>
    internal static Tensor Of(IReadOnlyList<ObjectTargets> targets, long height, long width, int stride) =>
        stack(targets.Select(objects => Of(objects, height, width, stride)));

    private static Tensor Of(ObjectTargets objects, long height, long width, int stride)
    {
        var map = zeros([height, width], ScalarType.Int64);
        for (long i = 0; i < objects.Masks.shape[0]; i++)
        {
            bool unknown = objects.Masked is { } known && !known[i].item<bool>();
            map.masked_fill_(objects.Masks[i].cpu(), unknown ? Unknown : objects.Classes[i].item<long>() + 1);
        }
        return map.slice(0, stride / 2, height, stride).slice(1, stride / 2, width, stride);
    }
}
