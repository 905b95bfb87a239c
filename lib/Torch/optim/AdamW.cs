using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), in PyTorch's form:
/// p (1 - lr decay) - lr m' / (sqrt(v') + eps), with m' and v' the running means of gradient and squared gradient, corrected for their start at 0.
/// </summary>
public sealed class AdamW : OptimizerHelper
{
    private static readonly Op Fused = "aten::_fused_adamw_";
    private static readonly Op FusedOnCpuSince = "aten::_fused_adagrad_"; // came with the first libtorch whose _fused_adamw_ runs on the CPU
    private static readonly Op OnePass = "patchkit::adamw_";
    private static readonly Op Full = "aten::full";
    private static readonly Op Multiply = "aten::mul_.Scalar";
    private static readonly Op AddScaled = "aten::add_.Tensor";
    private static readonly Op Add = "aten::add_.Scalar";
    private static readonly Op AddProduct = "aten::addcmul_";
    private static readonly Op AddQuotient = "aten::addcdiv_";
    private static readonly Op SquareRoot = "aten::sqrt";

    private static readonly bool s_fused = Fused.Exists;
    private static readonly bool s_fusedOnCpu = s_fused && FusedOnCpuSince.Exists;
    private static readonly bool s_onePass = OnePass.Exists;

    private readonly Options _defaults;

    internal AdamW(IEnumerable<ParamGroup> parameters, double lr, double beta1, double beta2, double eps, double weight_decay)
    {
        if (!(lr >= 0)) throw new ArgumentException($"AdamW was given the learning rate {lr}; use 0 or more.", nameof(lr));
        if (!(eps >= 0)) throw new ArgumentException($"AdamW was given eps {eps}; use 0 or more.", nameof(eps));
        if (!(beta1 is >= 0 and < 1 && beta2 is >= 0 and < 1)) throw new ArgumentException($"AdamW was given the betas {beta1} and {beta2}; use values from 0 up to, but not, 1.");
        if (!(weight_decay >= 0)) throw new ArgumentException($"AdamW was given the weight decay {weight_decay}; use 0 or more.", nameof(weight_decay));
        _defaults = new Options { LearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay };
        foreach (var group in parameters) add_param_group(group);
    }

    private protected override OptimizerOptions Complete(OptimizerOptions? options)
    {
        var own = Kind<Options>(options ?? new Options());
        own.LearningRate ??= _defaults.LearningRate;
        own.beta1 ??= _defaults.beta1;
        own.beta2 ??= _defaults.beta2;
        own.eps ??= _defaults.eps;
        own.weight_decay ??= _defaults.weight_decay;
        return own;
    }

    private protected override OptimizerState NewState(Parameter parameter) => new State(parameter);

    private protected override void Step(OptimizerOptions options, IReadOnlyList<(Parameter parameter, Tensor gradient, OptimizerState state)> due)
    {
        var own = (Options)options;
        foreach (var (_, _, state) in due) ((State)state).step++;
        if (!s_fused || (due.Count > 0 && due[0].parameter.device_type == DeviceType.CPU && !s_fusedOnCpu))
            foreach (var (parameter, gradient, state) in due) StepOne(own, parameter, gradient, (State)state);
        else
            foreach (var alike in due.GroupBy(entry => (entry.parameter.dtype, entry.parameter.device.type, entry.parameter.device.index, ((State)entry.state).step)))
                StepFused(own, [.. alike]);
    }

    // All parameters of one type, device and age in one kernel.
    private static void StepFused(Options options, (Parameter parameter, Tensor gradient, OptimizerState state)[] alike)
    {
        var age = Full.Call(Array.Empty<long>(), (double)((State)alike[0].state).step, ScalarType.Float32, Arg.None, alike[0].parameter.device);
        Fused.Invoke(
            Array.ConvertAll(alike, entry => (Tensor)entry.parameter), Array.ConvertAll(alike, entry => entry.gradient),
            Array.ConvertAll(alike, entry => ((State)entry.state).exp_avg), Array.ConvertAll(alike, entry => ((State)entry.state).exp_avg_sq),
            Array.Empty<Tensor>(), Array.ConvertAll(alike, _ => age),
            options.LearningRate!.Value, options.beta1!.Value, options.beta2!.Value, options.weight_decay!.Value, options.eps!.Value, false, false);
    }

    // The correction of v stands outside the root: lr m / c1 / (sqrt(v / c2) + eps) = (lr sqrt(c2) / c1) m / (sqrt(v) + eps sqrt(c2)).
    // One pass over the parameter's memory where PatchKit's own operator takes it, else eight.
    private static void StepOne(Options options, Parameter parameter, Tensor gradient, State state)
    {
        var (lr, beta1, beta2, decay, eps) = (options.LearningRate!.Value, options.beta1!.Value, options.beta2!.Value, options.weight_decay!.Value, options.eps!.Value);
        double correction1 = 1 - Math.Pow(beta1, state.step), root2 = Math.Sqrt(1 - Math.Pow(beta2, state.step));
        if (s_onePass && parameter is { device_type: DeviceType.CPU, dtype: ScalarType.Float32 or ScalarType.Float64 } && parameter.is_contiguous())
        {
            OnePass.Invoke(parameter, gradient, state.exp_avg, state.exp_avg_sq, 1 - lr * decay, beta1, beta2, eps * root2, lr * root2 / correction1);
            gradient.Dispose();
            return;
        }
        if (lr * decay != 0) Multiply.Invoke(parameter, 1 - lr * decay);
        Multiply.Invoke(state.exp_avg, beta1); // lerp_ would save a pass, but takes four times as long as these two on libtorch 1.13's CPU
        AddScaled.Invoke(state.exp_avg, gradient, 1 - beta1);
        Multiply.Invoke(state.exp_avg_sq, beta2);
        AddProduct.Invoke(state.exp_avg_sq, gradient, gradient, 1 - beta2);
        using var denominator = SquareRoot.Call(state.exp_avg_sq);
        Add.Invoke(denominator, eps * root2);
        AddQuotient.Invoke(parameter, state.exp_avg, denominator, -lr * root2 / correction1);
        gradient.Dispose();
    }

    /// <summary>AdamW's settings; null ones take the optimizer's own.</summary>
    public sealed class Options : OptimizerOptions
    {
        /// <summary>The decay of the running mean of the gradient.</summary>
        public double? beta1;

        /// <summary>The decay of the running mean of the squared gradient.</summary>
        public double? beta2;

        /// <summary>The weight decay; each step multiplies by 1 - learning rate x decay.</summary>
        public double? weight_decay;

        /// <summary>Added to the root of the squared gradient's mean.</summary>
        public double? eps;

        /// <inheritdoc/>
        public override void LoadStateDict(OptimizerOptions source)
        {
            var other = Kind<Options>(source);
            base.LoadStateDict(source);
            (beta1, beta2, weight_decay, eps) = (other.beta1, other.beta2, other.weight_decay, other.eps);
        }
    }

    /// <summary>Parameters that share AdamW's settings.</summary>
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

        /// <summary>A group of parameters.</summary>
        /// <param name="parameters">the parameters.</param>
        /// <param name="lr">the learning rate.</param>
        /// <param name="beta1">the decay of the running mean of the gradient.</param>
        /// <param name="beta2">the decay of the running mean of the squared gradient.</param>
        /// <param name="eps">added to the root of the squared gradient's mean.</param>
        /// <param name="weight_decay">the weight decay.</param>
        public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0)
            : base(parameters, new Options { LearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay })
        {
        }
    }

    /// <summary>What AdamW remembers of one parameter.</summary>
    public sealed class State : OptimizerState
    {
        /// <summary>How many steps the parameter has made.</summary>
        public long step;

        /// <summary>The running mean of the gradient, of the parameter's shape; starts at 0.</summary>
        public Tensor exp_avg;

        /// <summary>The running mean of the squared gradient, of the parameter's shape; starts at 0.</summary>
        public Tensor exp_avg_sq;

        internal State(Parameter parameter) => (exp_avg, exp_avg_sq) = (zeros_like(parameter).DetachFromDisposeScope(), zeros_like(parameter).DetachFromDisposeScope());

        /// <inheritdoc/>
        public override void LoadStateDict(OptimizerState source)
        {
            var other = (State)source;
            using var _ = no_grad();
            step = other.step;
            exp_avg.copy_(other.exp_avg);
            exp_avg_sq.copy_(other.exp_avg_sq);
        }

        internal override void Dispose()
        {
            exp_avg.Dispose();
            exp_avg_sq.Dispose();
        }
    }
}
