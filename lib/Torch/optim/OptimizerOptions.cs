namespace TorchSharp.Modules;

/// <summary>The settings of a parameter group; null ones take the optimizer's own.</summary>
public class OptimizerOptions
{
    /// <summary>The learning rate of the next step.</summary>
    public double? LearningRate { get; set; }

    /// <summary>The learning rate when the group was added, which schedules scale.</summary>
    public double InitialLearningRate { get; set; }

    /// <summary>Takes over the settings of another group.</summary>
    /// <param name="source">settings of the same kind.</param>
    public virtual void LoadStateDict(OptimizerOptions source) => (LearningRate, InitialLearningRate) = (source.LearningRate, source.InitialLearningRate);
}
