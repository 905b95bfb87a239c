using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Stochastic gradient descent with momentum: b = momentum b + g + decay p, then p - lr b (Nesterov: p - lr (g + decay p + momentum b)).</summary>
public sealed class SGD : OptimizerHelper
{
    private static readonly Op Multiply = "aten::mul_.Scalar";
    private static readonly Op AddScaled = "aten::add_.Tensor";
    private static readonly Op PlusScaled = "aten::add.Tensor";
    private static readonly Op Clone = "aten::clone";

    private readonly Options _defaults;

    internal SGD(IEnumerable<ParamGroup> parameters, double lr, double momentum, double dampening, double weight_decay, bool nesterov)
    {
        if (!(lr >= 0)) throw new ArgumentException($"SGD was given the learning rate {lr}; use 0 or more.", nameof(lr));
        if (!(momentum >= 0)) throw new ArgumentException($"SGD was given the momentum {momentum}; use 0 or more.", nameof(momentum));
        if (!(weight_decay >= 0)) throw new ArgumentException($"SGD was given the weight decay {weight_decay}; use 0 or more.", nameof(weight_decay));
        if (nesterov && (momentum == 0 || dampening != 0)) throw new ArgumentException($"SGD was given Nesterov momentum with momentum {momentum} and dampening {dampening}; it needs a momentum above 0 and no dampening.", nameof(nesterov));
        _defaults = new Options { LearningRate = lr, momentum = momentum, dampening = dampening, weight_decay = weight_decay, nesterov = nesterov };
        foreach (var group in parameters) add_param_group(group);
    }

    private protected override OptimizerOptions Complete(OptimizerOptions? options)
    {
        var own = Kind<Options>(options ?? new Options());
        own.LearningRate ??= _defaults.LearningRate;
        own.momentum ??= _defaults.momentum;
        own.dampening ??= _defaults.dampening;
        own.weight_decay ??= _defaults.weight_decay;
        own.nesterov ??= _defaults.nesterov;
        return own;
    }

    private protected override OptimizerState NewState(Parameter parameter) => new State();

    private protected override void Step(OptimizerOptions options, IReadOnlyList<(Parameter parameter, Tensor gradient, OptimizerState state)> due)
    {
        var own = (Options)options;
        foreach (var (parameter, gradient, state) in due)
        {
            var direction = own.weight_decay != 0 ? PlusScaled.Call(gradient, parameter, own.weight_decay!.Value) : gradient;
            if (own.momentum != 0)
            {
                var velocity = Velocity(own, (State)state, direction);
                direction = own.nesterov!.Value ? PlusScaled.Call(direction, velocity, own.momentum!.Value) : velocity;
            }
            AddScaled.Invoke(parameter, direction, -own.LearningRate!.Value);
        }
    }

    // The running sum of directions, with a new one added; the first is taken as it is.
    private static Tensor Velocity(Options own, State state, Tensor direction)
    {
        if (state.momentum_buffer is null) return state.momentum_buffer = Clone.Call(direction).DetachFromDisposeScope();
        Multiply.Invoke(state.momentum_buffer, own.momentum!.Value);
        AddScaled.Invoke(state.momentum_buffer, direction, 1 - own.dampening!.Value);
        return state.momentum_buffer;
    }

    /// <summary>SGD's settings; null ones take the optimizer's own.</summary>
    public sealed class Options : OptimizerOptions
    {
        /// <summary>The decay of the running sum of gradients; 0 for none.</summary>
        public double? momentum;

        /// <summary>The part of a new gradient that does not enter the sum.</summary>
        public double? dampening;

        /// <summary>The factor of the parameter itself that is added to its gradient.</summary>
        public double? weight_decay;

        /// <summary>Whether the step looks ahead by the momentum.</summary>
        public bool? nesterov;

        /// <inheritdoc/>
        public override void LoadStateDict(OptimizerOptions source)
        {
            var other = Kind<Options>(source);
            base.LoadStateDict(source);
            (momentum, dampening, weight_decay, nesterov) = (other.momentum, other.dampening, other.weight_decay, other.nesterov);
        }
    }

    /// <summary>Parameters that share SGD's settings.</summary>
    public sealed class ParamGroup : ParamGroup<Options>
    {
        /// <summary>An empty group.</summary>
        public ParamGroup()
        {
        }

        /// <summary>A group of parameters.</summary>
        /// <param name="parameters">the parameters.</param>
        /// <param name="options">their settings.</param>
        public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options)
        {
        }
    }

    /// <summary>What SGD remembers of one parameter.</summary>
    public sealed class State : OptimizerState
    {
        /// <summary>The running sum of gradients, of the parameter's shape; null before the first step with momentum.</summary>
        public Tensor? momentum_buffer;

        internal State()
        {
        }

        /// <inheritdoc/>
        public override void LoadStateDict(OptimizerState source)
        {
            var other = ((State)source).momentum_buffer;
            using var _ = no_grad();
            momentum_buffer?.Dispose();
            momentum_buffer = other is null ? null : Clone.Call(other).DetachFromDisposeScope();
        }

        internal override void Dispose() => momentum_buffer?.Dispose();
    }
}
