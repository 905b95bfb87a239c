using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Parameters that share their settings.</summary>
public class ParamGroup : optim.ILearningRateController
{
    /// <summary>The parameters.</summary>
    public IEnumerable<Parameter> Parameters { get; set; } = [];

    /// <summary>The settings; null for the optimizer's own.</summary>
    public OptimizerOptions? Options { get; set; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">the group is in no optimizer and has no rate of its own.</exception>
    public double LearningRate
    {
        get => Options?.LearningRate ?? throw new InvalidOperationException("This parameter group has no learning rate yet; set Options.LearningRate, or add the group to an optimizer, whose rate it takes.");
        set => Filled.LearningRate = value;
    }

    /// <inheritdoc/>
    public double InitialLearningRate
    {
        get => Options?.InitialLearningRate ?? 0;
        set => Filled.InitialLearningRate = value;
    }

    private OptimizerOptions Filled => Options ?? throw new InvalidOperationException("This parameter group has no options yet; set Options, or add the group to an optimizer.");
}
