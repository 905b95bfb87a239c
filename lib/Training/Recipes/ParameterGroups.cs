using System.Text.RegularExpressions;
using PatchKit.Models;
using PatchKit.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Training.Recipes;

/// <summary>
/// Which parameters decay, and layer-wise learning-rate decay (Clark et al. 2020, arXiv 2003.10555), by the parameters'
/// names: golden/06_param_groups. Vectors, position embeddings and the class token do not decay; the causal
/// convolution's and the patch embedding's weights do. Layer 0 is what comes before the blocks, block i is layer i + 1,
/// and norm and head are layer depth + 1, whose rate is the schedule's own.
/// </summary>
public static partial class ParameterGroups
{
    private static readonly HashSet<string> s_embeddings = ["pos_embed", "cls_token", "dist_token"];

    /// <summary>The groups of a model, in the order in which its parameters first need them.</summary>
    /// <param name="model">a VisionTransformer or an Adventurer.</param>
    /// <param name="weightDecay">of what decays.</param>
    /// <param name="layerDecay">the learning rate's factor from a layer to the one below; 1 for none.</param>
    public static IReadOnlyList<ParameterGroup> Of(Backbone model, double weightDecay, double layerDecay = 1) =>
        Of(model.named_parameters(), model.Config.Depth, weightDecay, layerDecay);

    /// <summary>The groups of named parameters, in the order in which they first need them.</summary>
    /// <param name="parameters">named as the official checkpoints name them.</param>
    /// <param name="depth">the number of blocks.</param>
    /// <param name="weightDecay">of what decays.</param>
    /// <param name="layerDecay">the learning rate's factor from a layer to the one below; 1 for none.</param>
    /// <exception cref="ArgumentException">The weight decay is below 0, the layer decay is not above 0, or a block is
    /// beyond the depth.</exception>
    public static IReadOnlyList<ParameterGroup> Of(
        IEnumerable<(string name, Parameter parameter)> parameters,
        int depth,
        double weightDecay,
        double layerDecay = 1
    )
    {
        if (!(weightDecay >= 0))
            throw new ArgumentException($"weight decay {weightDecay} would make weights grow; use 0 or more.");
        if (!(layerDecay > 0))
            throw new ArgumentException(
                $"layer decay {layerDecay} leaves layers without a learning rate; use a value above 0, such "
                    + "as 0.9, or 1 for none."
            );
        return
        [
            .. from entry in parameters
            group entry by (
                layer: layerDecay == 1 ? depth + 1 : LayerOf(entry.name, depth),
                decays: Decays(entry.name, entry.parameter)
            ) into alike
            select new ParameterGroup(
                Math.Pow(layerDecay, depth + 1 - alike.Key.layer),
                alike.Key.decays ? weightDecay : 0,
                [.. alike.Select(entry => entry.name)],
                [.. alike.Select(entry => entry.parameter)]
            ),
        ];
    }

    /// <summary>The layer of a parameter: 0 below the blocks, i + 1 in block i, depth + 1 above them.</summary>
    /// <exception cref="ArgumentException">The name is of a block beyond the depth.</exception>
    public static int LayerOf(string name, int depth)
    {
        if (name is "cls_token" or "dist_token" || name.StartsWith("pos_embed") || name.StartsWith("patch_embed"))
            return 0;
        if (Block().Match(name) is not { Success: true } match)
            return depth + 1;
        int block = int.Parse(match.Groups[1].Value);
        return block < depth
            ? block + 1
            : throw new ArgumentException(
                $"{name} is in block {block}, but the model was said to have {depth} blocks; give its own depth."
            );
    }

    /// <summary>
    /// AdamW over the groups. <see cref="SetLearningRate"/> then gives each group its share of the rate.
    /// </summary>
    /// <param name="groups">the groups.</param>
    /// <param name="beta1">the decay of the running mean of the gradient.</param>
    /// <param name="beta2">the decay of the running mean of the squared gradient.</param>
    /// <param name="epsilon">added to the root of the squared gradient's mean.</param>
    public static AdamW AdamW(
        IReadOnlyList<ParameterGroup> groups,
        double beta1 = 0.9,
        double beta2 = 0.999,
        double epsilon = 1e-8
    ) =>
        new FusedAdamW(
            groups.Select(group => new AdamW.ParamGroup
            {
                Parameters = group.Parameters,
                Options = new AdamW.Options { weight_decay = group.WeightDecay },
            }),
            0,
            beta1,
            beta2,
            epsilon
        );

    /// <summary>
    /// Gives each group of an optimizer its share of the schedule's rate; not compounded, however often it is called.
    /// </summary>
    /// <param name="optimizer">made by <see cref="AdamW"/> of these groups.</param>
    /// <param name="groups">the groups.</param>
    /// <param name="rate">the schedule's rate.</param>
    public static void SetLearningRate(optim.Optimizer optimizer, IReadOnlyList<ParameterGroup> groups, double rate)
    {
        foreach (var (controller, group) in optimizer.ParamGroups.Zip(groups))
            controller.LearningRate = rate * group.LearningRateScale;
    }

    private static bool Decays(string name, Parameter parameter) => parameter.ndim != 1 && !s_embeddings.Contains(name);

    [GeneratedRegex(@"^(?:layers|blocks)\.(\d+)\.")]
    private static partial Regex Block();
}

/// <summary>Parameters that share weight decay and the layer's share of the learning rate.</summary>
/// <param name="LearningRateScale">what the schedule's rate is multiplied by.</param>
/// <param name="WeightDecay">0 for vectors and embeddings.</param>
/// <param name="Names">the parameters' names, in the model's order.</param>
/// <param name="Parameters">the parameters, in the same order.</param>
public sealed record ParameterGroup(
    double LearningRateScale,
    double WeightDecay,
    IReadOnlyList<string> Names,
    IReadOnlyList<Parameter> Parameters
);
