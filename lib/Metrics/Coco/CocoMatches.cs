using PatchKit.Data.Coco;
using PatchKit.Data.Images;

namespace PatchKit.Metrics.Coco;

/// <summary>An object or crowd of one category.</summary>
internal readonly record struct CocoObject(int Image, CocoAnnotation Annotation);

/// <summary>A detection of one category; Number counts detections from 0 in the order given.</summary>
internal readonly record struct CocoCandidate(int Image, int Number, CocoDetection Detection);

/// <summary>
/// Which detections of one category are right: within an image, the best hundred take in the order of their scores the
/// object that they overlap most, at each overlap threshold and range of areas. A bit for each threshold;
/// COCOeval.evaluateImg.
/// </summary>
internal sealed class CocoMatches
{
    internal const int Ranges = 4,
        MostDetections = 100;

    /// <summary>All, small, medium and large, in pixels of area; both ends belong to a range.</summary>
    private static readonly (double Least, double Most)[] Areas =
    [
        (0, 1e10),
        (0, 32 * 32),
        (32 * 32, 96 * 96),
        (96 * 96, 1e10),
    ];

    /// <summary>.5, .55, ... .95, as numpy.linspace has them.</summary>
    internal static readonly double[] Thresholds =
    [
        .. Enumerable.Range(0, 9).Select(i => i * ((.95 - .5) / 9) + .5),
        .95,
    ];

    private CocoMatches(int count)
    {
        (Scores, Ranks) = (new double[count], new int[count]);
        for (int a = 0; a < Ranges; a++)
            (Right[a], Ignored[a]) = (new ushort[count], new ushort[count]);
    }

    /// <summary>The detections' scores, image by image, the best first.</summary>
    internal double[] Scores { get; }

    /// <summary>Each detection's place in its image, from 0.</summary>
    internal int[] Ranks { get; }

    /// <summary>For each range of areas, at which thresholds a detection has an object.</summary>
    internal ushort[][] Right { get; } = new ushort[Ranges][];

    /// <summary>
    /// For each range of areas, at which thresholds a detection counts for nothing: it has a crowd or an object of
    /// another size, or has none and is of another size itself.
    /// </summary>
    internal ushort[][] Ignored { get; } = new ushort[Ranges][];

    /// <summary>For each range of areas, the objects that are to be found.</summary>
    internal int[] Objects { get; } = new int[Ranges];

    internal static CocoMatches Of(
        CocoInstances truth,
        List<CocoObject> objects,
        List<CocoCandidate> candidates,
        CocoKind kind,
        bool byBox
    )
    {
        var objectsOf = objects.ToLookup(entry => entry.Image, entry => entry.Annotation);
        CocoCandidate[][] found =
        [
            .. candidates
                .GroupBy(entry => entry.Image)
                .OrderBy(group => group.Key)
                .Select(group =>
                    group.OrderByDescending(entry => entry.Detection.Score).Take(MostDetections).ToArray()
                ),
        ];
        var matches = new CocoMatches(found.Sum(image => image.Length));
        foreach (var annotation in objects.Select(entry => entry.Annotation))
            for (int a = 0; a < Ranges; a++)
                if (!Unscored(truth, annotation, kind) && !Outside(annotation.Area, a))
                    matches.Objects[a]++;

        int at = 0;
        foreach (var image in found)
        {
            new InImage(truth, [.. objectsOf[image[0].Image]], image, kind, byBox).Match(matches, at);
            at += image.Length;
        }
        return matches;
    }

    private static bool Unscored(CocoInstances truth, CocoAnnotation annotation, CocoKind kind) =>
        annotation.IsCrowd || kind == CocoKind.Mask && truth.Rule == CocoRule.Exact && annotation.Segmentation is null;

    private static bool Outside(double area, int range) => area < Areas[range].Least || area > Areas[range].Most;

    /// <summary>One image's objects and detections of the category.</summary>
    private sealed class InImage
    {
        private readonly CocoAnnotation[] _objects;
        private readonly CocoCandidate[] _found;
        private readonly double[] _areas; // of the detections
        private readonly double[] _ious; // (detections, objects)
        private readonly bool[] _ignored; // objects that are nothing to be found
        private readonly bool _zeroCounts;

        internal InImage(
            CocoInstances truth,
            CocoAnnotation[] objects,
            CocoCandidate[] found,
            CocoKind kind,
            bool byBox
        )
        {
            (_objects, _found, _areas, _ious) = (
                objects,
                found,
                new double[found.Length],
                new double[found.Length * objects.Length]
            );
            var image = truth.Image(found[0].Detection.ImageId);
            bool exact = truth.Rule == CocoRule.Exact;
            _zeroCounts = exact;
            // Whose mask is not known is nothing to be found, and what is found in its box is not wrong.
            _ignored = [.. objects.Select(entry => Unscored(truth, entry, kind))];
            var masks =
                kind == CocoKind.Mask
                    ? objects
                        .Select(
                            (entry, g) =>
                                exact && entry.Segmentation is null
                                    ? Rle.FromBox(image.Height, image.Width, entry.Box)
                                    : truth.Mask(entry)
                        )
                        .ToArray()
                    : [];
            for (int d = 0; d < found.Length; d++)
            {
                var mask = kind == CocoKind.Mask || !byBox ? Mask(found[d], image, exact) : null;
                var box =
                    found[d].Detection.Box
                    ?? (byBox ? throw Lacks(found[d], "box, and the first detection has one") : mask!.Box);
                _areas[d] = (exact ? kind == CocoKind.Box : byBox) ? box.Area : mask!.Area;
                for (int g = 0; g < objects.Length; g++)
                    _ious[d * objects.Length + g] =
                        kind == CocoKind.Mask
                            ? Rle.Iou(mask!, masks[g], _ignored[g])
                            : CocoBox.Iou(box, objects[g].Box, _ignored[g]);
            }
        }

        internal void Match(CocoMatches matches, int at)
        {
            for (int d = 0; d < _found.Length; d++)
                (matches.Scores[at + d], matches.Ranks[at + d]) = (_found[d].Detection.Score, d);
            for (int a = 0; a < Ranges; a++)
            {
                bool[] ignored = [.. _objects.Select((entry, g) => _ignored[g] || Outside(entry.Area, a))];
                // those that are to be found come first
                int[] order = [.. Enumerable.Range(0, _objects.Length).OrderBy(g => ignored[g])];
                Span<ushort> right = matches.Right[a].AsSpan(at, _found.Length),
                    passed = matches.Ignored[a].AsSpan(at, _found.Length);
                var taken = new bool[_objects.Length];
                for (int t = 0; t < Thresholds.Length; t++)
                {
                    Array.Clear(taken);
                    for (int d = 0; d < _found.Length; d++)
                    {
                        int g = Best(d, Math.Min(Thresholds[t], 1 - 1e-10), order, ignored, taken);
                        // pycocotools remembers a match by the object's id, so that one with id 0 leaves its detection
                        // without a match.
                        bool matched = g >= 0 && (_zeroCounts || _objects[g].Id != 0);
                        if (g >= 0)
                            taken[g] = true;
                        if (matched)
                            right[d] |= (ushort)(1 << t);
                        if (g >= 0 && ignored[g] || !matched && Outside(_areas[d], a))
                            passed[d] |= (ushort)(1 << t);
                    }
                }
            }
        }

        // The object that a detection overlaps most, at least by the threshold; -1 where there is none. A crowd may be
        // taken often, and the later of two equals wins.
        private int Best(int d, double threshold, int[] order, bool[] ignored, bool[] taken)
        {
            var (best, iou) = (-1, threshold);
            foreach (int g in order)
            {
                if (taken[g] && !_ignored[g])
                    continue;
                if (best >= 0 && !ignored[best] && ignored[g])
                    break;
                if (_ious[d * _objects.Length + g] < iou)
                    continue;
                (best, iou) = (g, _ious[d * _objects.Length + g]);
            }
            return best;
        }

        // As loadRes: a detection that has a box alone is that box's mask.
        private static Rle Mask(CocoCandidate candidate, CocoImage image, bool exact)
        {
            var (detection, box) = (candidate.Detection, candidate.Detection.Box);
            try
            {
                if (
                    exact
                    && image.Height > 0
                    && detection.Segmentation?.RunsSize is { } size
                    && size != (image.Height, image.Width)
                )
                    throw new ArgumentException(
                        $"it is of {size.Width} x {size.Height} pixels, but the image, {image.FileName}, "
                            + $"of {image.Width} x {image.Height}."
                    );
                return detection.Segmentation?.ToRle(image.Height, image.Width)
                    ?? (
                        box is { } edges
                            ? Rle.FromBox(image.Height, image.Width, edges)
                            : throw Lacks(candidate, "mask and no box")
                    );
            }
            catch (ArgumentException e) when (e is not CocoLackException)
            {
                throw new ArgumentException(
                    $"detection {candidate.Number} of image {detection.ImageId} has a mask that cannot be "
                        + $"drawn: {e.Message}",
                    e
                );
            }
        }

        private static CocoLackException Lacks(CocoCandidate candidate, string what) =>
            new(
                $"detection {candidate.Number} of image {candidate.Detection.ImageId} has no {what}; all "
                    + "detections of a file must have the same parts."
            );
    }

    private sealed class CocoLackException(string message) : ArgumentException(message);
}
