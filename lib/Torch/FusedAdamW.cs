using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>
/// TorchSharp's AdamW, whose step is one call of libtorch's <c>_fused_adamw_</c> for each group instead of ten for each
/// parameter. Groups, options, state, schedulers and files are AdamW's own.
/// </summary>
public sealed class FusedAdamW : AdamW
{
    private static readonly Operator Fused = new("aten::_fused_adamw_");

    // Set before AdamW's constructor runs, which adds the groups.
    private readonly List<Alike> _alike = [];

    /// <summary>AdamW over one group.</summary>
    /// <param name="parameters">each once.</param>
    /// <param name="lr">the learning rate.</param>
    /// <param name="beta1">the decay of the running mean of the gradient.</param>
    /// <param name="beta2">the decay of the running mean of the squared gradient.</param>
    /// <param name="eps">added to the root of the squared gradient's mean.</param>
    /// <param name="weight_decay">each step multiplies by 1 - learning rate x decay.</param>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public FusedAdamW(
        IEnumerable<Parameter> parameters,
        double lr = 1e-3,
        double beta1 = 0.9,
        double beta2 = 0.999,
        double eps = 1e-8,
        double weight_decay = 0
    )
        : this([new ParamGroup { Parameters = [.. parameters] }], lr, beta1, beta2, eps, weight_decay) { }

    /// <summary>AdamW over groups; options that a group leaves null are those given here.</summary>
    /// <param name="groups">the groups.</param>
    /// <param name="lr">the learning rate.</param>
    /// <param name="beta1">the decay of the running mean of the gradient.</param>
    /// <param name="beta2">the decay of the running mean of the squared gradient.</param>
    /// <param name="eps">added to the root of the squared gradient's mean.</param>
    /// <param name="weight_decay">each step multiplies by 1 - learning rate x decay.</param>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public FusedAdamW(
        IEnumerable<ParamGroup> groups,
        double lr = 1e-3,
        double beta1 = 0.9,
        double beta2 = 0.999,
        double eps = 1e-8,
        double weight_decay = 0
    )
        : base(groups, lr, beta1, beta2, eps, weight_decay) { }

    /// <inheritdoc/>
    public override void add_param_group(TorchSharp.Modules.ParamGroup param_group)
    {
        try
        {
            base.add_param_group(param_group);
        }
        catch
        {
            Forget(param_group);
            throw;
        }
        foreach (
            var alike in param_group.Parameters.GroupBy(parameter =>
                (parameter.dtype, parameter.device_type, parameter.device_index)
            )
        )
            _alike.Add(
                new Alike(
                    (Options)param_group.Options,
                    [.. alike.Select(parameter => (parameter, (State)_state[parameter.Handle]))]
                )
            );
    }

    /// <summary>
    /// Drops the gradients, where TorchSharp's optimizers fill them with zeros: a parameter that the next loss does not
    /// reach is then left alone.
    /// </summary>
    public override void zero_grad()
    {
        foreach (var parameter in parameters())
            parameter.grad = null;
    }

    /// <summary>Changes every parameter that has a gradient.</summary>
    /// <param name="closure">computes the loss afresh, before the step.</param>
    /// <returns>the closure's loss; null without one.</returns>
    public override Tensor step(Func<Tensor>? closure = null)
    {
        Tensor? loss = null;
        if (closure is not null)
            using (enable_grad())
                loss = closure();
        using (no_grad())
        using (NewDisposeScope())
            foreach (var alike in _alike)
                alike.Step();
        return loss!; // as TorchSharp has it
    }

    // Without memory for a group's state there is half of one, and AdamW's finalizer, which would dispose all of it,
    // would end the process.
    private void Forget(TorchSharp.Modules.ParamGroup group)
    {
        _parameter_groups.Remove(group);
        foreach (nint parameter in group.Parameters.Select(parameter => parameter.Handle))
        {
            if (!_state.TryGetValue(parameter, out var found))
                continue;
            var state = (State)found;
            state.exp_avg?.Dispose();
            state.exp_avg_sq?.Dispose();
            state.max_exp_avg_sq?.Dispose();
            GC.SuppressFinalize(state);
            _state.Remove(parameter);
        }
    }

    /// <summary>Parameters of one group, element type and device.</summary>
    private sealed class Alike(Options options, (Parameter Parameter, State State)[] all)
    {
        internal void Step()
        {
            var due = new List<(Parameter Parameter, Tensor Gradient, State State)>(all.Length);
            foreach (var (parameter, state) in all)
                if (parameter.grad is { } gradient)
                    due.Add((parameter, gradient, state));
            if (due.Count == 0)
                return;
            var ages = new Dictionary<long, Tensor>();
            foreach (var (parameter, _, state) in due)
                if (!ages.ContainsKey(++state.step))
                    ages.Add(state.step, tensor((float)state.step, device: parameter.device));
            Fused.Invoke(
                All(own => own.Parameter),
                All(own => own.Gradient),
                All(own => own.State.exp_avg),
                All(own => own.State.exp_avg_sq),
                options.amsgrad!.Value ? All(own => own.State.max_exp_avg_sq) : [],
                All(own => ages[own.State.step]),
                options.LearningRate!.Value,
                options.beta1!.Value,
                options.beta2!.Value,
                options.weight_decay!.Value,
                options.eps!.Value,
                options.amsgrad!.Value,
                options.maximize!.Value,
                Argument.None,
                Argument.None
            );

            Tensor[] All(Converter<(Parameter Parameter, Tensor Gradient, State State), Tensor> part) =>
                [.. due.ConvertAll(part)];
        }
    }
}
