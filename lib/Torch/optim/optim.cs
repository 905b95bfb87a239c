using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Optimizers, and a function to make each kind.</summary>
    public static partial class optim
    {
        /// <summary>Adam with decoupled weight decay, over one group.</summary>
        /// <param name="parameters">the parameters, each once.</param>
        /// <param name="lr">the learning rate.</param>
        /// <param name="beta1">the decay of the running mean of the gradient.</param>
        /// <param name="beta2">the decay of the running mean of the squared gradient.</param>
        /// <param name="eps">added to the root of the squared gradient's mean.</param>
        /// <param name="weight_decay">the weight decay.</param>
        /// <exception cref="ArgumentException">a value out of range, or a parameter listed twice.</exception>
        public static AdamW AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0) =>
            new([new AdamW.ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay);

        /// <summary>Adam with decoupled weight decay, over groups; options that a group leaves null are those given here.</summary>
        /// <param name="parameters">the groups.</param>
        /// <param name="lr">the learning rate.</param>
        /// <param name="beta1">the decay of the running mean of the gradient.</param>
        /// <param name="beta2">the decay of the running mean of the squared gradient.</param>
        /// <param name="eps">added to the root of the squared gradient's mean.</param>
        /// <param name="weight_decay">the weight decay.</param>
        /// <exception cref="ArgumentException">a value out of range, or a parameter listed twice.</exception>
        public static AdamW AdamW(IEnumerable<AdamW.ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0) =>
            new(parameters, lr, beta1, beta2, eps, weight_decay);

        /// <summary>Stochastic gradient descent, over one group.</summary>
        /// <param name="parameters">the parameters, each once.</param>
        /// <param name="learningRate">the learning rate.</param>
        /// <param name="momentum">the decay of the running sum of gradients; 0 for none.</param>
        /// <param name="dampening">the part of a new gradient that does not enter the sum.</param>
        /// <param name="weight_decay">the factor of the parameter itself that is added to its gradient.</param>
        /// <param name="nesterov">whether the step looks ahead by the momentum.</param>
        /// <exception cref="ArgumentException">a value out of range, or a parameter listed twice.</exception>
        public static SGD SGD(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false) =>
            new([new SGD.ParamGroup { Parameters = parameters }], learningRate, momentum, dampening, weight_decay, nesterov);

        /// <summary>Stochastic gradient descent, over groups; options that a group leaves null are those given here.</summary>
        /// <param name="parameters">the groups.</param>
        /// <param name="learningRate">the learning rate.</param>
        /// <param name="momentum">the decay of the running sum of gradients; 0 for none.</param>
        /// <param name="dampening">the part of a new gradient that does not enter the sum.</param>
        /// <param name="weight_decay">the factor of the parameter itself that is added to its gradient.</param>
        /// <param name="nesterov">whether the step looks ahead by the momentum.</param>
        /// <exception cref="ArgumentException">a value out of range, or a parameter listed twice.</exception>
        public static SGD SGD(IEnumerable<SGD.ParamGroup> parameters, double learningRate, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false) =>
            new(parameters, learningRate, momentum, dampening, weight_decay, nesterov);
    }
}
