using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What the optimizers share: groups, and a state for each parameter.</summary>
public abstract class OptimizerHelper : optim.Optimizer
{
    private readonly List<ParamGroup> _groups = [];
    private readonly Dictionary<Parameter, OptimizerState> _state = new(ReferenceEqualityComparer.Instance);

    private protected OptimizerHelper()
    {
    }

    /// <inheritdoc/>
    public override IEnumerable<optim.ILearningRateController> ParamGroups => _groups;

    /// <inheritdoc/>
    public override IEnumerable<Parameter> parameters() => _groups.SelectMany(group => group.Parameters);

    /// <inheritdoc/>
    public override void add_param_group(ParamGroup param_group)
    {
        param_group.Options = Complete(param_group.Options);
        param_group.Options.InitialLearningRate = param_group.LearningRate;
        param_group.Parameters = [.. param_group.Parameters];
        foreach (var parameter in param_group.Parameters)
            if (!_state.TryAdd(parameter, NewState(parameter)))
                throw new ArgumentException($"A parameter of shape [{string.Join(", ", parameter.shape)}] is in two groups, or twice in one; list each parameter once.", nameof(param_group));
        _groups.Add(param_group);
    }

    /// <inheritdoc/>
    public override void zero_grad()
    {
        foreach (var parameter in parameters()) parameter.grad = null;
    }

    /// <inheritdoc/>
    public override void step()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var group in _groups)
            Step(group.Options!, [.. Due(group)]);
    }

    /// <summary>Options and states, the live objects: to save, read their fields; to restore, write them or use <see cref="load_state_dict"/>.</summary>
    public virtual StateDictionary state_dict()
    {
        var dictionary = new StateDictionary();
        foreach (var group in _groups)
        {
            dictionary.Options.Add(group.Options!);
            dictionary.StateIndexRef.Add([.. Enumerable.Range(dictionary.State.Count, group.Parameters.Count())]);
            dictionary.State.AddRange(group.Parameters.Select(parameter => _state[parameter]));
        }
        return dictionary;
    }

    /// <summary>Copies options and states from another optimizer of the same kind over as many groups and parameters.</summary>
    /// <param name="state_dict">the other's <see cref="state_dict()"/>.</param>
    /// <exception cref="ArgumentException">the numbers of groups or parameters differ; nothing was loaded.</exception>
    public virtual void load_state_dict(StateDictionary state_dict)
    {
        var own = this.state_dict();
        if (own.Options.Count != state_dict.Options.Count || own.State.Count != state_dict.State.Count)
            throw new ArgumentException($"The optimizer has {own.Options.Count} groups of {own.State.Count} parameters, the state {state_dict.Options.Count} of {state_dict.State.Count}; build the optimizer as the one that was saved.", nameof(state_dict));
        foreach (var (options, source) in own.Options.Zip(state_dict.Options)) options.LoadStateDict(source);
        foreach (var (state, source) in own.State.Zip(state_dict.State)) state.LoadStateDict(source);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (var state in _state.Values) state.Dispose();
    }

    // The options with the optimizer's own in place of null.
    private protected abstract OptimizerOptions Complete(OptimizerOptions? options);

    private protected abstract OptimizerState NewState(Parameter parameter);

    // Changes the parameters of one group; autograd is off, and what is made is disposed afterwards.
    private protected abstract void Step(OptimizerOptions options, IReadOnlyList<(Parameter parameter, Tensor gradient, OptimizerState state)> due);

    private IEnumerable<(Parameter, Tensor, OptimizerState)> Due(ParamGroup group)
    {
        foreach (var parameter in group.Parameters)
            if (parameter.grad is { } gradient) yield return (parameter, gradient, _state[parameter]);
    }

    // The options as the kind this optimizer has.
    private protected static T Kind<T>(OptimizerOptions options) where T : OptimizerOptions => options as T ??
        throw new ArgumentException($"The group's options are {options.GetType().DeclaringType?.Name}.{options.GetType().Name}, the optimizer's {typeof(T).DeclaringType?.Name}.{typeof(T).Name}; make the group with the optimizer's own class.");
}
