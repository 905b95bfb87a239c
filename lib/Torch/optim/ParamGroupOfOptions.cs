namespace TorchSharp.Modules;

/// <summary>Parameters that share their settings, of one optimizer's kind.</summary>
/// <typeparam name="TOptions">the kind of settings.</typeparam>
public class ParamGroup<TOptions> : ParamGroup where TOptions : OptimizerOptions
{
    /// <summary>An empty group.</summary>
    public ParamGroup()
    {
    }

    /// <summary>A group of parameters.</summary>
    /// <param name="parameters">the parameters.</param>
    /// <param name="options">their settings; null for the optimizer's own.</param>
    public ParamGroup(IEnumerable<Parameter> parameters, TOptions? options = null) => (Parameters, Options) = (parameters, options);

    /// <summary>The settings; null for the optimizer's own.</summary>
    public new TOptions? Options
    {
        get => (TOptions?)base.Options;
        set => base.Options = value;
    }
}
