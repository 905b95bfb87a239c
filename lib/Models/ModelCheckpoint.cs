using PatchKit.Checkpoints;
using PatchKit.Patchify;
using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>Loads a checkpoint's tensors into a model, and says key by key what became of them.</summary>
public static class ModelCheckpoint
{
    /// <summary>Loads a model's part of a file; the report says which part that is.</summary>
    /// <param name="model">the model; its tensors keep their dtype and device.</param>
    /// <param name="file">the checkpoint.</param>
    /// <param name="key">the part, as for <see cref="CheckpointFile.Tensors"/>.</param>
    /// <param name="loading">what may be changed so that they fit.</param>
    /// <exception cref="CheckpointException">The file has no such part, or it does not fit.</exception>
    public static LoadReport Load(
        Backbone model,
        CheckpointFile file,
        string? key = null,
        CheckpointLoading? loading = null
    )
    {
        using var scope = NewDisposeScope();
        var report = Load(model, file.StateDict(key), loading, file.Path);
        return report with { Notes = [.. file.Notes(key), .. report.Notes] };
    }

    /// <summary>Loads a state dictionary. Nothing is changed unless all of it can be loaded.</summary>
    /// <param name="model">the model; its tensors keep their dtype and device.</param>
    /// <param name="tensors">the checkpoint's tensors by name, also by names that <see cref="OfficialNames"/> makes
    /// official.</param>
    /// <param name="loading">what may be changed so that they fit.</param>
    /// <param name="source">what messages call the checkpoint.</param>
    /// <exception cref="CheckpointException">A key is missing or unexpected and loading is strict, or a shape does not
    /// fit.</exception>
    public static LoadReport Load(
        Backbone model,
        IReadOnlyDictionary<string, Tensor> tensors,
        CheckpointLoading? loading = null,
        string source = "the checkpoint"
    )
    {
        loading ??= new CheckpointLoading();
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var own = model.state_dict();
        (tensors, var notes) = OfficialNames.Of(tensors, source);
        ExpectVariant(model.Config, tensors, source);
        List<KeyShape> matched = [],
            missing = [],
            unexpected = [];
        List<ReshapedKey> reshaped = [];
        List<(Tensor Into, Tensor Values)> copies = [];
        foreach (var (name, target) in own)
        {
            if (!tensors.TryGetValue(name, out var found))
                missing.Add(new(name, target.shape));
            else if (found.shape.SequenceEqual(target.shape))
            {
                matched.Add(new(name, target.shape));
                copies.Add((target, found));
            }
            else
            {
                var (fitted, how) = Fit(model, name, found, target, loading, source);
                reshaped.Add(new(name, found.shape, target.shape, how));
                if (fitted is not null)
                    copies.Add((target, fitted));
            }
        }
        foreach (var (name, found) in tensors)
            if (!own.ContainsKey(name))
                unexpected.Add(new(name, found.shape));

        var report = new LoadReport(source)
        {
            Matched = matched,
            Missing = missing,
            Unexpected = unexpected,
            Reshaped = reshaped,
            Notes = notes,
        };
        // a model without a head has no place for one
        int headless = model.Config.Classes == 0 ? unexpected.Count(key => IsHead(key.Key)) : 0;
        if (loading.Strict && missing.Count + unexpected.Count > headless)
        {
            string foreign = ForeignWeights.Kind(unexpected.Select(key => key.Key)) is { } kind ? $" ({kind})" : "";
            throw new CheckpointException(
                source,
                $"does not fit the model{foreign}: {report}\n{loading.Words.Partial}."
            );
        }
        foreach (var (into, values) in copies)
            into.copy_(values);
        return report;
    }

    /// <summary>A tensor of another shape made to fit, or null where the model's own is kept; and how.</summary>
    private static (Tensor? Values, string How) Fit(
        Backbone model,
        string name,
        Tensor found,
        Tensor target,
        CheckpointLoading loading,
        string source
    )
    {
        switch (name)
        {
            case "pos_embed" when found.ndim == 3 && found.shape[2] == target.shape[2]:
                // A checkpoint does not say its image's proportions: a square number of patches is taken for a square
                // grid.
                int extra = model.Config.ExtraPositions;
                long patches = found.shape[1] - extra;
                var from =
                    loading.Grid
                    ?? (
                        CheckpointIdentity.SquareSide(patches) is { } side
                            ? new PatchGrid(side, side)
                            : throw new CheckpointException(
                                source,
                                $"has {found.shape[1]} positions, which are no square grid "
                                    + $"and {extra} {(extra == 1 ? "token" : "tokens")} beside "
                                    + $"it; {loading.Words.Grid}."
                            )
                    );
                if (from.Count != patches)
                    throw new CheckpointException(
                        source,
                        $"has positions of {patches} patches, but a grid of {from} "
                            + $"has {from.Count}; {loading.Words.Grid}."
                    );
                var cls = loading.Positions == PositionLoading.OfficialShifted ? ClsToken.First : model.Cls;
                return (
                    PositionEmbedding.Resize(found.to(target.dtype), from, model.Config.TokenGrid, cls, extra),
                    $"resized bicubically ({loading.Positions})"
                );
            case "patch_embed.proj.weight"
                when loading.TransferPatchSize
                    && found.ndim == 4
                    && found.shape[0] == target.shape[0]
                    && found.shape[1] == target.shape[1]:
                return (
                    PatchTransfer.Resize(found.to(target.dtype), model.Config.PatchSize),
                    "resized by pseudo-inverse"
                );
            case var own when IsHead(own) && loading.KeepOwnHead:
                return (null, "left as initialised");
            default:
                bool patchSize =
                    name == "patch_embed.proj.weight"
                    && found.ndim == 4
                    && found.shape[0] == target.shape[0]
                    && found.shape[1] == target.shape[1];
                string hint = patchSize ? loading.Words.Transfer : loading.Words.Model;
                throw new CheckpointException(
                    source,
                    $"holds {name} of shape [{string.Join(", ", found.shape)}], but the model's is "
                        + $"[{string.Join(", ", target.shape)}]; {hint}."
                );
        }
    }

    /// <summary>Refuses a DeiT of another kind by its name, before its shapes are complained of one by one.</summary>
    private static void ExpectVariant(BackboneConfig config, IReadOnlyDictionary<string, Tensor> tensors, string source)
    {
        if (config is not VisionTransformerConfig own)
            return;
        var theirs = (VisionTransformerConfig)
            CheckpointIdentity.Variant(
                own,
                tensors.ToDictionary(entry => entry.Key, entry => (IReadOnlyList<long>)entry.Value.shape)
            );
        List<string> lacks = [];
        if (theirs.Distilled && !own.Distilled)
            lacks.Add("Distilled = true");
        if (theirs.NoEmbedClass && !own.NoEmbedClass)
            lacks.Add("NoEmbedClass = true");
        if (theirs.LayerScale > 0 && own.LayerScale == 0)
            lacks.Add("LayerScale = 1e-4");
        if (lacks.Count > 0)
            throw new CheckpointException(
                source,
                $"is of {CheckpointIdentity.VariantName(theirs)}, but the model is not; make it "
                    + $"with {string.Join(", ", lacks)}, as CheckpointIdentity.Variant does."
            );
    }

    private static bool IsHead(string name) =>
        name is "head.weight" or "head.bias" or "head_dist.weight" or "head_dist.bias";
}
