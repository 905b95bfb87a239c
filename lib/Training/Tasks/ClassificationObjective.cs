using PatchKit.Data;
using PatchKit.Data.Augment;
using PatchKit.Models;
using PatchKit.Training.Recipes;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>Cross entropy, with the recipe's Mixup, CutMix and label smoothing (golden/08_losses).</summary>
public sealed class ClassificationObjective : IObjective
{
    private readonly Backbone _model;
    private readonly Recipe _recipe;
    private readonly Mixup? _mixup;
    private readonly long _seed;

    /// <summary>An objective for a model.</summary>
    /// <param name="model">the model.</param>
    /// <param name="recipe">says how images are mixed and labels smoothed.</param>
    /// <param name="seed">of the mixing.</param>
    /// <exception cref="ArgumentException">Images are to be mixed in pairs, but the batch is odd.</exception>
    public ClassificationObjective(Backbone model, Recipe recipe, long seed)
    {
        (_model, _recipe, _seed) = (model, recipe, seed);
        if (recipe is not { Mixup: > 0 } and not { CutMix: > 0 })
            return;
        if (recipe.BatchSize % 2 != 0)
            throw new ArgumentException(
                $"Mixup and CutMix pair the images of a batch, but batchSize is {recipe.BatchSize}; make it "
                    + "even, or set mixup=0 and cutMix=0."
            );
        _mixup = new Mixup(model.Config.Classes, recipe.LabelSmoothing)
        {
            Alpha = recipe.Mixup,
            CutAlpha = recipe.CutMix,
            Probability = recipe.MixProbability,
            SwitchProbability = recipe.CutMixShare,
        };
    }

    /// <inheritdoc/>
    public IEnumerable<Tensor> Losses(Batch batch, long step, int parts)
    {
        var (images, targets) = (batch.Images, batch.Labels); // (B, 3, H, W), (B)
        if (_mixup is not null)
        {
            var random = new SampleRandom(_seed, step, -2);
            var draw = _mixup.Draw((int)images.shape[2], (int)images.shape[3], ref random);
            targets = _mixup.Targets(targets, draw, images.dtype); // (B, K)
            images = Mixup.Images(images, draw); // (B, 3, H, W)
        }
        return InParts(images, targets, parts);
    }

    // Apart, so that the batch is mixed once, at the call, and outlives each of its parts.
    private IEnumerable<Tensor> InParts(Tensor images, Tensor targets, int parts)
    {
        long size = images.shape[0] / parts;
        for (int part = 0; part < parts; part++)
        {
            var scores = _model.call(images.narrow(0, part * size, size)); // (B / parts, K)
            var wanted = targets.narrow(0, part * size, size);
            yield return _mixup is not null
                ? ClassificationLoss.SoftTarget(scores, wanted)
                : ClassificationLoss.LabelSmoothing(scores, wanted, _recipe.LabelSmoothing);
        }
    }

    /// <inheritdoc/>
    public string? FirstNonFinite(Batch batch) => _model.FirstNonFinite(batch.Images);
}
