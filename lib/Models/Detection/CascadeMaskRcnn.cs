using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Models.Segmentation;
using PatchKit.Ops;
using PatchKit.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>
/// Cascade Mask R-CNN (Cai and Vasconcelos 2019) on a plain backbone: a simple feature pyramid, region proposals, three
/// stages that each move the boxes of the one before, and a mask head. Parts can be used alone. Nothing is drawn but by
/// (seed, step), so that training repeats to the bit.
/// </summary>
public sealed class CascadeMaskRcnn : nn.Module<Tensor, IReadOnlyList<Tensor>>
{
    private readonly Backbone backbone;
    private readonly FeaturePyramid pyramid;
    private readonly RegionProposals rpn;
    private readonly ModuleList<CascadeStage> stages;
    private readonly MaskHead mask_head;
    private readonly Conv2d? pixels;
    private const long Ignored = -100; // pixels of objects whose masks are not known

    /// <summary>A detector; its weights are drawn from the default generator.</summary>
    /// <param name="backbone">the backbone, whose own head is not used. It is disposed with the detector.</param>
    /// <param name="classes">K, background not among them.</param>
    /// <param name="config">the detector.</param>
    /// <exception cref="ArgumentException">A setting is out of its range, or a level's stride cannot be made of the
    /// patches.</exception>
    public CascadeMaskRcnn(Backbone backbone, int classes, DetectorConfig? config = null)
        : base(nameof(CascadeMaskRcnn))
    {
        Config = (config ?? new()).Checked();
        (this.backbone, Classes) = (backbone, classes);
        pyramid = new FeaturePyramid(
            backbone.Config.EmbedDim,
            backbone.Config.PatchSize,
            Config.Dim,
            Config.StridesFor(backbone.Config.PatchSize)
        );
        rpn = new RegionProposals(Config, pyramid.Strides);
        stages = new ModuleList<CascadeStage>([
            .. Config.Cascade.Select(step => new CascadeStage(Config, step, classes)),
        ]);
        mask_head = new MaskHead(Config, classes);
        pixels = Config.Pixels ? nn.Conv2d(Config.Dim, classes + 1, 1) : null;
        RegisterComponents();
    }

    /// <summary>What it was made of.</summary>
    public DetectorConfig Config { get; }

    /// <summary>K, background not among them.</summary>
    public int Classes { get; }

    /// <summary>The backbone.</summary>
    public Backbone Backbone => backbone;

    /// <summary>The region proposals.</summary>
    public RegionProposals Proposals => rpn;

    /// <summary>Images (B, 3, H, W) to the pyramid's levels (B, C, H / s, W / s), the finest first.</summary>
    /// <exception cref="ArgumentException">The images are not of the backbone's size.</exception>
    public override IReadOnlyList<Tensor> forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var levels = pyramid.call(backbone.Features(images).Map()); // from (B, D, H / p, W / p)
        foreach (var level in levels)
            level.MoveToOuterDisposeScope();
        return levels;
    }

    /// <summary>The losses of a batch.</summary>
    /// <param name="images">(B, 3, H, W).</param>
    /// <param name="targets">the objects of each image.</param>
    /// <param name="draw">seeds which anchors and regions are drawn.</param>
    /// <param name="sizes">height and width of each image inside its padding; all of it where null.</param>
    public DetectionLosses Losses(
        Tensor images,
        IReadOnlyList<ObjectTargets> targets,
        DetectionDraw draw,
        IReadOnlyList<(int Height, int Width)>? sizes = null
    )
    {
        using var scope = NewDisposeScope();
        sizes ??= Whole(images);
        targets = [.. targets.Select(objects => objects.To(images.device))];
        var levels = call(images);
        var maps = rpn.call(levels);
        var (objectness, proposals) = rpn.Losses(maps, targets, draw);

        var boxes = cat([.. targets.Select(objects => objects.Boxes)], 0); // (N, 4): the objects of all images
        var classes = cat([.. targets.Select(objects => objects.Classes)], 0); // (N)
        var masks = cat([.. targets.Select(objects => objects.Masks)], 0); // (N, H, W)
        var masked = targets.Any(objects => objects.Masked is not null)
            ? cat(
                [
                    .. targets.Select(objects =>
                        objects.Masked ?? ones(objects.Classes.shape[0], ScalarType.Bool, images.device)
                    ),
                ],
                0
            )
            : null; // (N)
        var owners = RegionPool.Rois([.. targets.Select(objects => objects.Boxes)]).select(1, 0); // (N): their images
        var (rois, shown) = Drawn(rpn.Propose(maps, sizes), targets, sizes, draw); // (R, 5)
        List<Tensor> perClass = [],
            perBox = [];
        Tensor? mask = null;
        foreach (var stage in stages)
        {
            var match = Match(rois, boxes, owners, stage.Step.Overlap);
            var output = stage.call(
                Less(RegionPool.Cut(levels, pyramid.Strides, rois, Config.BoxBins, Config.Samples))
            );
            var (ofClass, ofBox) = stage.Losses(output, rois, match, boxes, classes);
            perClass.Add(ofClass * stage.Step.LossWeight);
            perBox.Add(ofBox * stage.Step.LossWeight);
            // the first stage's regions
            mask ??= MaskLoss(levels, rois, match, classes, masks, masked);
            if (stage != stages[^1])
                rois = Filled(stage.Moved(output, rois, Limits(sizes, images.device)));
        }
        return new(Out(objectness), Out(proposals), Out(stack(perClass).sum()), Out(stack(perBox).sum()), Out(mask!));

        static Tensor Out(Tensor loss) => loss.MoveToOuterDisposeScope();
    }

    /// <summary>What is in images, the surest first. No gradients.</summary>
    /// <param name="images">(B, 3, H, W).</param>
    /// <param name="sizes">height and width of each image inside its padding; all of it where null.</param>
    /// <exception cref="NonFiniteScoresException">A score is no number.</exception>
    public IReadOnlyList<Detections> Detect(Tensor images, IReadOnlyList<(int Height, int Width)>? sizes = null)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        sizes ??= Whole(images);
        var levels = call(images);
        foreach (var level in levels)
            NonFiniteScoresException.Refuse(level); // else nothing at all is found in them
        var proposed = rpn.Propose(rpn.call(levels), sizes);
        var rois = RegionPool.Rois(proposed); // (R, 5)
        Tensor probabilities = zeros([rois.shape[0], Classes + 1], float32, images.device);
        foreach (var stage in stages)
        {
            var output = stage.call(RegionPool.Cut(levels, pyramid.Strides, rois, Config.BoxBins, Config.Samples));
            var ofStage = output.Scores.to_type(ScalarType.Float32).softmax(1); // (R, K + 1)
            probabilities = probabilities + ofStage / stages.Count; // (R, K + 1): the mean of the stages
            rois = stage.Moved(output, rois, Limits(sizes, images.device));
        }
        if (rois.shape[0] > 0)
            NonFiniteScoresException.Refuse(probabilities.unsqueeze(0));
        var found = new List<Detections>();
        long first = 0;
        foreach (var (image, count) in proposed.Select((boxes, image) => (image, boxes.shape[0])))
        {
            found.Add(Select(levels, rois.narrow(0, first, count), probabilities.narrow(0, first, count)));
            first += count;
        }
        return found;
    }

    /// <summary>
    /// Cross entropy of the class of each cell of the finest level, background among them, at the cells' middles: with
    /// it a small net learns, through the pyramid, what a large one brings from classification.
    /// </summary>
    /// <param name="images">(B, 3, H, W).</param>
    /// <param name="targets">the objects of each image.</param>
    /// <exception cref="InvalidOperationException">The detector was made without
    /// <see cref="DetectorConfig.Pixels"/>.</exception>
    public Tensor PixelLoss(Tensor images, IReadOnlyList<ObjectTargets> targets)
    {
        if (pixels is null)
            throw new InvalidOperationException("this detector tells no pixel's class; make it with Pixels = true.");
        using var scope = NewDisposeScope();
        int stride = pyramid.Strides[0];
        var logits = pixels.call(call(images)[0]); // (B, K + 1, h, w)
        var wanted = stack(
                targets.Select(objects =>
                {
                    var map = zeros([images.shape[2], images.shape[3]], ScalarType.Int64); // 0 is background
                    for (long i = 0; i < objects.Masks.shape[0]; i++)
                        map.masked_fill_(
                            objects.Masks[i].cpu(),
                            objects.Masked is { } known && !known[i].item<bool>()
                                ? Ignored
                                : objects.Classes[i].item<long>() + 1
                        );
                    return map.slice(0, stride / 2, map.shape[0], stride).slice(1, stride / 2, map.shape[1], stride);
                })
            )
            .to(images.device); // (B, h, w)
        return nn
            .functional.cross_entropy(logits.to_type(ScalarType.Float32), wanted, ignore_index: Ignored)
            .MoveToOuterDisposeScope();
    }

    // ---- regions to learn from -------------------------------------------------------------------------

    private (Tensor Rois, long Positive) Drawn(
        IReadOnlyList<Tensor> proposed,
        IReadOnlyList<ObjectTargets> targets,
        IReadOnlyList<(int Height, int Width)> sizes,
        DetectionDraw draw
    )
    {
        using var recording = no_grad();
        var drawn = new List<Tensor>();
        long shown = 0;
        for (int image = 0; image < targets.Count; image++)
        {
            var random = draw.Regions(image);
            var objects = targets[image].Boxes;
            var candidates = cat([proposed[image], objects, .. Jittered(objects, sizes[image], ref random)], 0);
            var match = BoxMatch.Of(candidates, objects, Config.Cascade[0].Overlap, Config.Cascade[0].Overlap);
            var (positive, negative) = BalancedSample.Draw(
                match.Labels,
                Config.RegionsPerImage,
                Config.PositiveShare,
                ref random
            );
            drawn.Add(candidates.index_select(0, tensor(positive.Concat(negative).ToArray()).to(candidates.device)));
            shown += positive.Length;
        }
        return (RegionPool.Rois(drawn), shown);
    }

    private List<Tensor> Jittered(Tensor objects, (int Height, int Width) size, ref SampleRandom random)
    {
        var copies = new List<Tensor>();
        for (int copy = 0; copy < Config.Jittered && objects.shape[0] > 0; copy++)
        {
            var deltas = new float[4 * objects.shape[0]];
            foreach (ref float delta in deltas.AsSpan())
                delta = (float)random.Uniform(-.25, .25);
            copies.Add(
                Boxes.Clip(
                    Boxes.Decode(tensor(deltas, [objects.shape[0], 4]).to(objects.device), objects, (1, 1, 1, 1)),
                    size.Height,
                    size.Width
                )
            );
        }
        return copies;
    }

    // Regions match objects of their own image only.
    private static BoxMatch Match(Tensor rois, Tensor boxes, Tensor owners, double overlap)
    {
        if (boxes.shape[0] == 0 || rois.shape[0] == 0)
            return BoxMatch.Of(rois.narrow(1, 1, 4), boxes, overlap, overlap);
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var ownImage = owners.unsqueeze(1).eq(rois.select(1, 0).unsqueeze(0)); // (N, R)
        var overlaps = Boxes.Iou(boxes, rois.narrow(1, 1, 4)) * ownImage; // (N, R)
        var (most, which) = overlaps.max(0);
        return new(
            which.MoveToOuterDisposeScope(),
            most.ge(overlap).to_type(ScalarType.Int64).MoveToOuterDisposeScope()
        );
    }

    // Of the objects whose masks are known.
    private Tensor MaskLoss(
        IReadOnlyList<Tensor> levels,
        Tensor rois,
        BoxMatch match,
        Tensor classes,
        Tensor masks,
        Tensor? masked
    )
    {
        var learnt = match.Labels.eq(1);
        if (masked is not null && masked.shape[0] > 0)
            learnt = learnt.logical_and(masked.index_select(0, match.Objects));
        var shown = learnt.nonzero().flatten(); // (P)
        if (shown.shape[0] == 0)
            return levels[0].sum() * 0;
        var (regions, objects) = (rois.index_select(0, shown), match.Objects.index_select(0, shown));
        var cut = RegionPool.Cut(levels, pyramid.Strides, regions, Config.MaskBins, Config.Samples); // (P, C, m, m)
        var logits = mask_head.call(cut); // (P, K, 2 m, 2 m)
        return MaskHead.Loss(
            MaskHead.OfClass(logits, classes.index_select(0, objects)),
            masks,
            objects,
            regions.narrow(1, 1, 4)
        );
    }

    // Each stage's gradient counts in the levels by its share, as in Detectron2.
    private Tensor Less(Tensor regions) => regions * (1.0 / stages.Count) + regions.detach() * (1 - 1.0 / stages.Count);

    private static Tensor Filled(Tensor rois) =>
        rois.index_select(0, RegionPool.IsEmpty(rois.narrow(1, 1, 4)).logical_not().nonzero().flatten());

    // ---- results ---------------------------------------------------------------------------------------

    private Detections Select(IReadOnlyList<Tensor> levels, Tensor rois, Tensor probabilities)
    {
        var scores = probabilities.narrow(1, 0, Classes); // (R, K)
        var pairs = scores.gt(Config.LeastScore).nonzero(); // (candidates, 2)
        var (regions, classes) = (pairs.select(1, 0), pairs.select(1, 1));
        var boxes = rois.narrow(1, 1, 4).index_select(0, regions); // (candidates, 4)
        var sure = scores.flatten().index_select(0, regions * Classes + classes); // (candidates)
        var kept = Nms.ByClass(boxes, sure, classes, Config.ResultOverlap);
        kept = kept.narrow(0, 0, Math.Min(Config.MostResults, kept.shape[0]));
        (boxes, sure, classes) = (
            boxes.index_select(0, kept),
            sure.index_select(0, kept),
            classes.index_select(0, kept)
        );
        var cut = RegionPool.Cut(
            levels,
            pyramid.Strides,
            cat([rois.narrow(1, 0, 1).index_select(0, regions.index_select(0, kept)), boxes], 1),
            Config.MaskBins,
            Config.Samples
        );
        var masks =
            kept.shape[0] == 0
                ? zeros([0, 2 * Config.MaskBins, 2 * Config.MaskBins], float32)
                : MaskHead.OfClass(mask_head.call(cut), classes).to_type(ScalarType.Float32).sigmoid(); // (N, 2 m, 2 m)
        return new(
            boxes.cpu().MoveToOuterDisposeScope(),
            sure.cpu().MoveToOuterDisposeScope(),
            classes.cpu().MoveToOuterDisposeScope(),
            masks.cpu().MoveToOuterDisposeScope()
        );
    }

    private static (int Height, int Width)[] Whole(Tensor images) =>
        [.. Enumerable.Repeat(((int)images.shape[2], (int)images.shape[3]), (int)images.shape[0])];

    private static Tensor Limits(IReadOnlyList<(int Height, int Width)> sizes, Device device) =>
        tensor(sizes.SelectMany(size => new float[] { size.Height, size.Width }).ToArray(), [sizes.Count, 2])
            .to(device);
}
