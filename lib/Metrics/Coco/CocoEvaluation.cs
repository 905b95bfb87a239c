using System.Globalization;
using System.Runtime.ExceptionServices;
using PatchKit.Data.Coco;
using PatchKit.Data.Images;

namespace PatchKit.Metrics.Coco;

/// <summary>
/// COCO's average precision and recall (Lin et al. 2014), equal to pycocotools' COCOeval (cocoapi 8c9bcc3) to the last
/// digit but for what that loses (<see cref="CocoRule"/>): each category is matched image by image
/// (<see cref="CocoMatches"/>), then its detections are counted in the order of their scores (<see cref="CocoCurve"/>).
/// </summary>
public static class CocoEvaluation
{
    /// <summary>Scores detections.</summary>
    /// <param name="truth">the objects.</param>
    /// <param name="detections"> What was found; none is allowed. By pycocotools' rule, whether the first one has a box
    /// decides whether an area is that of the box or of the mask, as in its loadRes. </param>
    /// <param name="kind">boxes or masks.</param>
    /// <param name="threads">categories evaluated at a time; all cores where null. It changes no number.</param>
    /// <exception cref="ArgumentException">A detection names an unknown image, or has no box or mask where one is
    /// needed.</exception>
    /// <exception cref="ImageException">A mask of the set is damaged or missing.</exception>
    public static CocoScores Run(
        CocoInstances truth,
        IReadOnlyList<CocoDetection> detections,
        CocoKind kind,
        int? threads = null
    )
    {
        var categories = truth.Categories;
        var place = categories
            .Select((category, at) => (category.Id, at))
            .ToDictionary(entry => entry.Id, entry => entry.at);
        var images = truth
            .Images.Select((image, at) => (image.Id, at))
            .ToDictionary(entry => entry.Id, entry => entry.at);
        var found = new List<CocoCandidate>[categories.Count];
        var objects = new List<CocoObject>[categories.Count];
        for (int k = 0; k < categories.Count; k++)
            (found[k], objects[k]) = ([], []);

        foreach (var image in truth.Images)
        foreach (var annotation in truth.Of(image.Id))
            objects[place[annotation.CategoryId]].Add(new CocoObject(images[image.Id], annotation));
        bool byBox = detections.Count > 0 && detections[0].Box is not null;
        for (int i = 0; i < detections.Count; i++)
        {
            var detection = detections[i];
            if (!images.TryGetValue(detection.ImageId, out int image))
                throw new ArgumentException(
                    $"detection {i} is of image {detection.ImageId}, but {truth.Name} has no such image; "
                        + "evaluate the detections with the set that they were made on."
                );
            if (place.TryGetValue(detection.CategoryId, out int k))
                found[k].Add(new CocoCandidate(image, i, detection));
        }

        var curves = new CocoCurve[categories.Count];
        try
        {
            Parallel.For(
                0,
                categories.Count,
                new ParallelOptions { MaxDegreeOfParallelism = threads ?? Environment.ProcessorCount },
                k => curves[k] = CocoCurve.Of(CocoMatches.Of(truth, objects[k], found[k], kind, byBox))
            );
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.Flatten().InnerExceptions[0]);
        }
        return new CocoScores(categories, curves, own => Difference(truth, detections, kind, own));
    }

    // A sentence, where pycocotools' numbers are others.
    private static string? Difference(
        CocoInstances truth,
        IReadOnlyList<CocoDetection> detections,
        CocoKind kind,
        CocoScores own
    )
    {
        if (
            truth.Rule == CocoRule.Pycocotools
            || kind == CocoKind.Mask
                && truth
                    .Images.SelectMany(image => truth.Of(image.Id))
                    .Any(annotation => annotation.Segmentation is null)
        )
            return null;
        var reference = Run(truth.AsPycocotools(), detections, kind);
        int differs = Enumerable.Range(0, own.Stats.Count).FirstOrDefault(i => own.Stats[i] != reference.Stats[i], -1);
        if (differs < 0)
            return null;
        string reason =
            truth.Repeated > 0
                ? $"of annotations that share an id, as {truth.Repeated:N0} do in {truth.Name}, it counts the "
                    + "last one alone, once for each"
            : truth.HasIdZero ? $"it counts as wrong what is matched to an object of id 0, as {truth.Name} has"
            : "it tells small, medium and large masks by their boxes, and here they are told by their pixels";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"pycocotools gives {CocoScores.Names[differs]} of {(kind == CocoKind.Box ? "boxes" : "masks")} "
                + $"as {reference.Stats[differs]:0.000}, not {own.Stats[differs]:0.000}: {reason}. "
                + $"CocoRule.Pycocotools gives its numbers."
        );
    }
}
