using PatchKit.Checkpoints;
using PatchKit.Patchify;
using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>Loads a checkpoint's tensors into a model, and says key by key what became of them.</summary>
public static class ModelCheckpoint
{
    /// <summary>Loads a state dictionary. Nothing is changed unless all of it can be loaded.</summary>
    /// <param name="model">The model; its tensors keep their dtype and device.</param>
    /// <param name="tensors">The checkpoint's tensors by name, as the official code names them.</param>
    /// <param name="loading">What may be changed so that they fit.</param>
    /// <param name="source">What messages call the checkpoint.</param>
    /// <exception cref="CheckpointException">A key is missing or unexpected and loading is strict, or a shape does not fit.</exception>
    public static LoadReport Load(Backbone model, IReadOnlyDictionary<string, Tensor> tensors, CheckpointLoading? loading = null, string source = "the checkpoint")
    {
        loading ??= new CheckpointLoading();
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var own = model.state_dict();
        List<KeyShape> matched = [], missing = [], unexpected = [];
        List<ReshapedKey> reshaped = [];
        List<(Tensor Into, Tensor Values)> copies = [];
        foreach (var (name, target) in own)
        {
            if (!tensors.TryGetValue(name, out var found)) missing.Add(new(name, target.shape));
            else if (found.shape.SequenceEqual(target.shape))
            {
                matched.Add(new(name, target.shape));
                copies.Add((target, found));
            }
            else
            {
                var (fitted, how) = Fit(model, name, found, target, loading, source);
                reshaped.Add(new(name, found.shape, target.shape, how));
                if (fitted is not null) copies.Add((target, fitted));
            }
        }
        foreach (var (name, found) in tensors)
            if (!own.ContainsKey(name)) unexpected.Add(new(name, found.shape));

        var report = new LoadReport(source) { Matched = matched, Missing = missing, Unexpected = unexpected, Reshaped = reshaped };
        int headless = model.Config.Classes == 0 ? unexpected.Count(key => key.Key is "head.weight" or "head.bias") : 0; // a model without a head has no place for one
        if (loading.Strict && missing.Count + unexpected.Count > headless)
            throw new CheckpointException(source, $"does not fit the model: {report}\nLoad with Strict = false to take what fits.");
        foreach (var (into, values) in copies) into.copy_(values);
        return report;
    }

    /// <summary>A tensor of another shape made to fit, or null where the model's own is kept; and how.</summary>
    private static (Tensor? Values, string How) Fit(Backbone model, string name, Tensor found, Tensor target, CheckpointLoading loading, string source)
    {
        switch (name)
        {
            case "pos_embed" when found.ndim == 3 && found.shape[2] == target.shape[2]:
                // A checkpoint does not say its image's proportions: a square number of patches is taken for a square grid.
                int side = (int)Math.Round(Math.Sqrt(found.shape[1] - 1));
                if (side * side != found.shape[1] - 1)
                    throw new CheckpointException(source, $"has {found.shape[1]} positions, which are no square grid and a class token; resize pos_embed with PositionEmbedding.Resize first.");
                var cls = loading.Positions == PositionLoading.OfficialShifted ? ClsToken.First : model.Cls;
                return (PositionEmbedding.Resize(found.to(target.dtype), new PatchGrid(side, side), model.Config.TokenGrid, cls), $"resized bicubically ({loading.Positions})");
            case "patch_embed.proj.weight" when loading.TransferPatchSize && found.ndim == 4 && found.shape[0] == target.shape[0] && found.shape[1] == target.shape[1]:
                return (PatchTransfer.Resize(found.to(target.dtype), model.Config.PatchSize), "resized by pseudo-inverse");
            case "head.weight" or "head.bias" when loading.KeepOwnHead:
                return (null, "left as initialised");
            default:
                string hint = name == "patch_embed.proj.weight" ? "load with TransferPatchSize = true, or make the model for the checkpoint's patch size" : "make the model with the checkpoint's widths";
                throw new CheckpointException(source, $"holds {name} of shape [{string.Join(", ", found.shape)}], but the model's is [{string.Join(", ", target.shape)}]; {hint}.");
        }
    }
}
