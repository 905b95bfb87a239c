using TorchSharp.Modules;

namespace PatchKit.Training.Recipes;

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
