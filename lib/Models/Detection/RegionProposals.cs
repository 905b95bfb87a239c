using PatchKit.Data;
using PatchKit.Ops;
using TorchSharp;
using TorchSharp.Modules;
using static PatchKit.Models.AutocastBytes;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>
/// The region proposal network (Ren et al. 2015, "Faster R-CNN"): for each anchor whether it shows an object, and how
/// to move it there. One head serves all levels.
/// </summary>
public sealed class RegionProposals : nn.Module<IReadOnlyList<Tensor>, ProposalMaps>
{
    private readonly ModuleList<Conv2d> conv;
    private readonly Conv2d objectness,
        deltas;
    private readonly DetectorConfig _config;
    private readonly IReadOnlyList<int> _strides;

    /// <summary>A network for a pyramid's levels.</summary>
    /// <param name="config">anchors, and what is learnt and kept of them.</param>
    /// <param name="strides">the levels' strides.</param>
    public RegionProposals(DetectorConfig config, IReadOnlyList<int> strides)
        : base(nameof(RegionProposals))
    {
        (_config, _strides) = (config, strides);
        int forms = config.AnchorAspects.Count;
        conv = new ModuleList<Conv2d>([
            .. Enumerable
                .Range(0, config.ProposalConvolutions)
                .Select(_ => HeadInit.Small(nn.Conv2d(config.Dim, config.Dim, 3, padding: 1), .01)),
        ]);
        objectness = HeadInit.Small(nn.Conv2d(config.Dim, forms, 1), .01);
        deltas = HeadInit.Small(nn.Conv2d(config.Dim, 4 * forms, 1), .01);
        RegisterComponents();
    }

    /// <summary>Levels (B, C, h, w) to scores and deltas of all their anchors.</summary>
    public override ProposalMaps forward(IReadOnlyList<Tensor> levels)
    {
        using var scope = NewDisposeScope();
        List<Tensor> scores = [],
            moves = [],
            anchors = [];
        foreach (var (level, stride) in levels.Zip(_strides))
        {
            var x = level; // (B, C, h, w)
            foreach (var layer in conv)
                x = nn.functional.relu(layer.call(x));
            var (b, h, w) = (x.shape[0], x.shape[2], x.shape[3]);
            scores.Add(objectness.call(x).permute(0, 2, 3, 1).flatten(1)); // (B, h w A)
            moves.Add(deltas.call(x).view(b, -1, 4, h, w).permute(0, 3, 4, 1, 2).reshape(b, -1, 4)); // (B, h w A, 4)
            anchors.Add(Anchors.Of(h, w, stride, _config.AnchorScale, _config.AnchorAspects, x.device)); // (h w A, 4)
        }
        return new(
            cat(scores, 1).MoveToOuterDisposeScope(),
            cat(moves, 1).MoveToOuterDisposeScope(),
            cat(anchors, 0).MoveToOuterDisposeScope(),
            [.. anchors.Select(level => level.shape[0])]
        );
    }

    /// <summary>Multiply-accumulates on one image's levels.</summary>
    internal double Macs(int height, int width) =>
        Places(height, width)
        * (conv.Sum(layer => layer.weight.numel()) + objectness.weight.numel() + deltas.weight.numel());

    /// <summary>Bytes kept for the backward pass of one image's levels.</summary>
    internal double ActivationBytes(int height, int width) =>
        Places(height, width) * (conv.Count * _config.Dim + objectness.weight.shape[0] + deltas.weight.shape[0]) * Bf16;

    private double Places(int height, int width) => _strides.Sum(stride => DetectorCost.Places(height, width, stride));

    /// <summary>
    /// Binary cross entropy of objects, and the distance of deltas where there is one, both over all anchors that were
    /// drawn.
    /// </summary>
    /// <param name="maps">scores and deltas.</param>
    /// <param name="targets">the objects of each image.</param>
    /// <param name="draw">seeds which anchors are drawn.</param>
    /// <returns>Two numbers.</returns>
    public (Tensor Objectness, Tensor Box) Losses(
        ProposalMaps maps,
        IReadOnlyList<ObjectTargets> targets,
        DetectionDraw draw
    )
    {
        using var scope = NewDisposeScope();
        long each = maps.Anchors.shape[0];
        List<long> drawn = [],
            shown = [];
        List<Tensor> wanted = [];
        for (int image = 0; image < targets.Count; image++)
        {
            var objects = targets[image].Boxes; // (N, 4)
            var match = BoxMatch.Of(maps.Anchors, objects, _config.AnchorPositive, _config.AnchorNegative, best: true);
            var random = draw.Anchors(image);
            var (positive, negative) = BalancedSample.Draw(match.Labels, _config.AnchorsPerImage, .5, ref random);
            shown.AddRange(positive.Select(place => image * each + place));
            drawn.AddRange(positive.Concat(negative).Select(place => image * each + place));
            if (positive.Length == 0)
                continue;
            var places = tensor(positive).to(maps.Anchors.device);
            wanted.Add(
                Boxes.Encode(
                    maps.Anchors.index_select(0, places),
                    objects.index_select(0, match.Objects.index_select(0, places)),
                    (1, 1, 1, 1)
                )
            );
        }
        var device = maps.Scores.device;
        var isShown = new HashSet<long>(shown);
        var labels = tensor(drawn.Select(place => isShown.Contains(place) ? 1f : 0f).ToArray()).to(device);
        var scores = maps.Scores.flatten().index_select(0, tensor(drawn.ToArray()).to(device)); // (drawn)
        var objectness = nn.functional.binary_cross_entropy_with_logits(scores.to_type(ScalarType.Float32), labels);
        if (wanted.Count == 0)
            return (objectness.MoveToOuterDisposeScope(), (maps.Deltas.sum() * 0).MoveToOuterDisposeScope());
        var moves = maps.Deltas.view(-1, 4).index_select(0, tensor(shown.ToArray()).to(device)); // (shown, 4)
        var box = BoxLoss.Of(moves, cat(wanted, 0), _config.Beta) / drawn.Count;
        return (objectness.MoveToOuterDisposeScope(), box.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// The best boxes of each image, after suppression within each level, the best first. No gradients.
    /// </summary>
    /// <param name="maps">scores and deltas.</param>
    /// <param name="sizes">height and width of each image.</param>
    /// <returns>For each image (K, 4).</returns>
    public IReadOnlyList<Tensor> Propose(ProposalMaps maps, IReadOnlyList<(int Height, int Width)> sizes)
    {
        using var recording = no_grad();
        int candidates = training ? _config.TrainingCandidates : _config.TestCandidates,
            most = training ? _config.TrainingProposals : _config.TestProposals;
        var kept = new List<Tensor>();
        for (int image = 0; image < sizes.Count; image++)
        {
            using var scope = NewDisposeScope();
            List<Tensor> boxes = [],
                scores = [],
                levels = [];
            long first = 0;
            for (int level = 0; level < maps.Counts.Count; first += maps.Counts[level++])
            {
                var (best, places) = maps.Scores[image]
                    .narrow(0, first, maps.Counts[level])
                    .topk((int)Math.Min(candidates, maps.Counts[level]));
                places = places + first;
                boxes.Add(
                    Boxes.Decode(
                        maps.Deltas[image].index_select(0, places).to_type(ScalarType.Float32),
                        maps.Anchors.index_select(0, places),
                        (1, 1, 1, 1)
                    )
                );
                scores.Add(best.to_type(ScalarType.Float32));
                levels.Add(full_like(places, level));
            }
            var clipped = Boxes.Clip(cat(boxes, 0), sizes[image].Height, sizes[image].Width); // (K, 4)
            var score = cat(scores, 0).masked_fill(RegionPool.IsEmpty(clipped), float.NegativeInfinity);
            var places2 = Nms.ByClass(clipped, score, cat(levels, 0), _config.ProposalOverlap);
            places2 = places2.narrow(0, 0, Math.Min(most, places2.shape[0]));
            var chosen = clipped.index_select(0, places2);
            kept.Add(
                chosen
                    .index_select(0, RegionPool.IsEmpty(chosen).logical_not().nonzero().flatten())
                    .MoveToOuterDisposeScope()
            );
        }
        return kept;
    }
}

/// <summary>What the proposal network says of every anchor of a batch, level after level.</summary>
/// <param name="Scores">(B, M): logits of showing an object.</param>
/// <param name="Deltas">(B, M, 4).</param>
/// <param name="Anchors">(M, 4), the same for each image.</param>
/// <param name="Counts">the anchors of each level; their sum is M.</param>
public sealed record ProposalMaps(Tensor Scores, Tensor Deltas, Tensor Anchors, IReadOnlyList<long> Counts);
