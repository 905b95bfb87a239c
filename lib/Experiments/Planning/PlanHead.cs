using PatchKit.Models;
using PatchKit.Models.Detection;
using PatchKit.Models.Segmentation;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using static TorchSharp.torch;

namespace PatchKit.Experiments.Planning;

/// <summary>
/// What stands on a backbone, counted for one training image: a decoder of segmentation or a detector. Norms in a head
/// read and write float32 under autocast, products bfloat16.
/// </summary>
/// <param name="Parameters">learned numbers.</param>
/// <param name="Macs">multiply-accumulates of the forward pass.</param>
/// <param name="Bytes">kept for the backward pass.</param>
internal sealed record PlanHead(long Parameters, double Macs, double Bytes)
{
    private const int Half = 2,
        Float = 4;

    // Norm and activation after a product: the norm's input, the activation's output, the copy that the next product
    // reads.
    private const int Normed = Float + Float + Half;

    // A score: as it comes, in float32, and as logarithm of the softmax; then, one head after the other, the gradients
    // of the last two.
    private const int Score = Half + 2 * Float,
        ScoreGradients = 2 * Float;

    /// <summary>No head beyond the classifier that the backbone has.</summary>
    internal static PlanHead None { get; } = new(0, 0, 0);

    /// <summary>The head of a run.</summary>
    /// <param name="config">the run.</param>
    /// <param name="seen">its model at the size of the images that it trains on.</param>
    internal static PlanHead Of(RunConfig config, BackboneConfig seen) =>
        config.Task switch
        {
            SegmentationTask task => Decoder(task.Decoder, seen, config.Data.Classes),
            DetectionTask task => Detector(task, seen, config.Data.Classes),
            _ => None,
        };

    private static PlanHead Decoder(SegmentationConfig config, BackboneConfig model, int classes)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = (model.TokenGrid.Rows, model.TokenGrid.Columns);
        List<SegmentationHead> heads =
        [
            config.Create(model, classes),
            .. config.Auxiliary ? [new FcnHead(model.EmbedDim, classes)] : Array.Empty<SegmentationHead>(),
        ];
        try
        {
            double scores = (double)classes * model.Height * model.Width * (heads.Count * Score + ScoreGradients);
            double decoder =
                config.Decoder == DecoderKind.UperNet
                    ? UperNetBytes(model, ((UperNet)heads[0]).Strides, config.Channels)
                    : 0;
            double auxiliary = config.Auxiliary ? (double)rows * columns * FcnHead.UsualChannels * Normed : 0;
            return new(
                heads.Sum(head => head.parameters().Sum(parameter => parameter.numel())),
                heads.Sum(head => head.Macs(rows, columns)),
                scores + decoder + auxiliary
            );
        }
        finally
        {
            foreach (var head in heads)
                head.Dispose();
        }
    }

    // The four maps, each grown from the backbone's by transposed convolutions; of width C a lateral and a smooth map
    // for all but the coarsest, the four joined at the finest, and what joins them.
    private static double UperNetBytes(BackboneConfig model, IReadOnlyList<int> strides, int channels)
    {
        double finest = Places(model, strides[0]),
            bytes = finest * channels * (strides.Count * (Float + Half) + Normed);
        foreach (int stride in strides)
        {
            double places = Places(model, stride);
            bytes += places * (model.EmbedDim * Half + 2 * channels * Normed);
            for (int doubled = model.PatchSize / 2; doubled > stride; doubled /= 2)
                bytes += Places(model, doubled) * model.EmbedDim * (Half + Normed);
        }
        return bytes;
    }

    private static PlanHead Detector(DetectionTask task, BackboneConfig model, int classes)
    {
        var config = task.Detector;
        var count = new Counter();
        double dim = config.Dim;
        foreach (int stride in config.StridesFor(model.PatchSize))
        {
            double width = model.EmbedDim,
                places = Places(model, stride);
            for (int from = model.PatchSize; from > stride; from /= 2)
            {
                double next = Math.Max(Math.Min(model.EmbedDim, dim), Math.Floor(width / 2));
                bool last = from / 2 == stride;
                count.Add(
                    4 * width * next,
                    next + (last ? 0 : 2 * next),
                    Places(model, from),
                    4 * next * (last ? Half : Half + Normed)
                );
                width = next;
            }
            count.Add(width * dim, 2 * dim, places, dim * Normed);
            count.Add(9 * dim * dim, 2 * dim, places, dim * Normed);
        }
        double cells = config.StridesFor(model.PatchSize).Sum(stride => Places(model, stride)),
            forms = config.AnchorAspects.Count;
        for (int i = 0; i < config.ProposalConvolutions; i++)
            count.Add(9 * dim * dim, dim, cells, dim * Half);
        count.Add(5 * dim * forms, 5 * forms, cells, 5 * forms * Half);
        if (config.Pixels)
            count.Add(
                dim * (classes + 1),
                classes + 1,
                Places(model, config.StridesFor(model.PatchSize)[0]),
                (classes + 1) * (Score + ScoreGradients)
            );
        bool regions = task.Phase == DetectionPhase.Objects;
        foreach (var _ in config.Cascade)
            BoxStage(config, classes, regions ? config.RegionsPerImage : 0, count);
        Masks(config, classes, regions ? config.RegionsPerImage * config.PositiveShare : 0, count);
        return count.Head;
    }

    private static void BoxStage(DetectorConfig config, int classes, double regions, Counter count)
    {
        double dim = config.Dim,
            bins = config.BoxBins * config.BoxBins,
            inputs = dim * bins;
        // cut out, shared between the stages by its two parts and their sum, and the copy that a product reads
        count.Add(0, 0, regions, inputs * (4 * Float + Half));
        for (int i = 0; i < config.BoxConvolutions; i++)
            count.Add(9 * dim * dim, 2 * dim, regions * bins, dim * Normed);
        for (int i = 0; i < config.BoxLayers; i++)
            count.Add((i == 0 ? inputs : config.BoxDim) * config.BoxDim, config.BoxDim, regions, config.BoxDim * Half);
        count.Add(config.BoxDim * (classes + 5.0), classes + 5, regions, (classes + 5) * (Half + Float));
    }

    private static void Masks(DetectorConfig config, int classes, double regions, Counter count)
    {
        double dim = config.Dim,
            bins = config.MaskBins * config.MaskBins,
            maps = config.OneMask ? 1 : classes;
        count.Add(0, 0, regions, dim * bins * (Float + Half));
        for (int i = 0; i < config.MaskConvolutions; i++)
            count.Add(9 * dim * dim, 2 * dim, regions * bins, dim * Normed);
        count.Add(4 * dim * dim, dim, regions * bins, 4 * dim * Half);
        count.Add(dim * maps, maps, regions * 4 * bins, maps * (Half + Float));
    }

    private static double Places(BackboneConfig model, int stride) =>
        Math.Ceiling((double)model.Height / stride) * Math.Ceiling((double)model.Width / stride);

    /// <summary>Adds up layers.</summary>
    private sealed class Counter
    {
        private double _parameters,
            _macs,
            _bytes;

        internal PlanHead Head => new((long)_parameters, _macs, _bytes);

        /// <param name="weights">its weights, each of which takes part once at each place.</param>
        /// <param name="others">biases, and the numbers of a norm that follows.</param>
        /// <param name="places">where it is applied.</param>
        /// <param name="bytes">kept for each place.</param>
        internal void Add(double weights, double others, double places, double bytes)
        {
            _parameters += weights + others;
            _macs += weights * places;
            _bytes += places * bytes;
        }
    }
}
