using PatchKit.Data;
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
        var levels = call(images); // (B, C, H / s, W / s) each
        var maps = rpn.call(levels);
        var (objectness, proposals) = rpn.Losses(maps, targets, draw);
        var objects = BatchObjects.Of(targets); // N of all images
        var rois = new RegionSampler(Config).Draw(rpn.Propose(maps, sizes), targets, sizes, draw); // (R, 5)
        List<Tensor> perClass = [],
            perBox = [];
        Tensor? mask = null;
        foreach (var stage in stages)
        {
            var match = BoxMatch.OfOwnImage(rois, objects, stage.Step.Overlap);
            var output = stage.call(
                Less(RegionPool.Cut(levels, pyramid.Strides, rois, Config.BoxBins, Config.Samples))
            );
            var (ofClass, ofBox) = stage.Losses(output, rois, match, objects.Boxes, objects.Classes);
            perClass.Add(ofClass * stage.Step.LossWeight);
            perBox.Add(ofBox * stage.Step.LossWeight);
            // the first stage's regions
            mask ??= MaskLoss(levels, rois, match, objects);
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
            found.Add(Found(levels, rois.narrow(0, first, count), probabilities.narrow(0, first, count)));
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
        var logits = pixels.call(call(images)[0]); // (B, K + 1, h, w)
        var wanted = PixelTargets.Of(targets, images.shape[2], images.shape[3], pyramid.Strides[0]).to(images.device);
        return nn
            .functional.cross_entropy(logits.to_type(ScalarType.Float32), wanted, ignore_index: PixelTargets.Unknown)
            .MoveToOuterDisposeScope();
    }

    // Of the objects whose masks are known.
    private Tensor MaskLoss(IReadOnlyList<Tensor> levels, Tensor rois, BoxMatch match, BatchObjects objects)
    {
        var learnt = match.Labels.eq(1);
        if (objects.Masked is { } masked && masked.shape[0] > 0)
            learnt = learnt.logical_and(masked.index_select(0, match.Objects));
        var shown = learnt.nonzero().flatten(); // (P)
        if (shown.shape[0] == 0)
            return levels[0].sum() * 0;
        var (regions, theirs) = (rois.index_select(0, shown), match.Objects.index_select(0, shown));
        var cut = RegionPool.Cut(levels, pyramid.Strides, regions, Config.MaskBins, Config.Samples); // (P, C, m, m)
        var logits = mask_head.call(cut); // (P, K, 2 m, 2 m)
        var ofClass = MaskHead.OfClass(logits, objects.Classes.index_select(0, theirs)); // (P, 2 m, 2 m)
        return MaskHead.Loss(ofClass, objects.Masks, theirs, regions.narrow(1, 1, 4));
    }

    // Each stage's gradient counts in the levels by its share, as in Detectron2.
    private Tensor Less(Tensor regions) => regions * (1.0 / stages.Count) + regions.detach() * (1 - 1.0 / stages.Count);

    private static Tensor Filled(Tensor rois) =>
        rois.index_select(0, RegionPool.IsEmpty(rois.narrow(1, 1, 4)).logical_not().nonzero().flatten());

    private Detections Found(IReadOnlyList<Tensor> levels, Tensor rois, Tensor probabilities)
    {
        var best = BestRegions.Of(rois, probabilities.narrow(1, 0, Classes), Config);
        var cut = RegionPool.Cut(levels, pyramid.Strides, best.Rois, Config.MaskBins, Config.Samples); // (N, C, m, m)
        var masks =
            best.Scores.shape[0] == 0
                ? zeros([0, 2 * Config.MaskBins, 2 * Config.MaskBins], float32)
                : MaskHead.OfClass(mask_head.call(cut), best.Classes).to_type(ScalarType.Float32).sigmoid();
        return new(
            best.Boxes.cpu().MoveToOuterDisposeScope(),
            best.Scores.cpu().MoveToOuterDisposeScope(),
            best.Classes.cpu().MoveToOuterDisposeScope(),
            masks.cpu().MoveToOuterDisposeScope() // (N, 2 m, 2 m)
        );
    }

    private static (int Height, int Width)[] Whole(Tensor images) =>
        [.. Enumerable.Repeat(((int)images.shape[2], (int)images.shape[3]), (int)images.shape[0])];

    private static Tensor Limits(IReadOnlyList<(int Height, int Width)> sizes, Device device) =>
        tensor(sizes.SelectMany(size => new float[] { size.Height, size.Width }).ToArray(), [sizes.Count, 2])
            .to(device);
}
