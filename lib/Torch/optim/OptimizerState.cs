namespace TorchSharp.Modules;

/// <summary>What an optimizer remembers of one parameter.</summary>
public abstract class OptimizerState
{
    /// <summary>Copies another state's values.</summary>
    /// <param name="source">a state of the same kind, of a parameter of the same shape.</param>
    public abstract void LoadStateDict(OptimizerState source);

    internal abstract void Dispose();
}
