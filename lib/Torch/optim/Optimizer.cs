using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        /// <summary>Changes parameters by their gradients, one step at a time. Make it after the module is on its device.</summary>
        public abstract class Optimizer : IDisposable
        {
            /// <summary>The parameter groups, whose learning rates may be set between steps.</summary>
            public abstract IEnumerable<ILearningRateController> ParamGroups { get; }

            /// <summary>The parameters of all groups, in order.</summary>
            public abstract IEnumerable<Parameter> parameters();

            /// <summary>Adds a group of parameters; options it leaves null are the optimizer's own.</summary>
            /// <param name="param_group">the group, of this optimizer's kind.</param>
            /// <exception cref="ArgumentException">a parameter is in another group already, or the group is of another kind.</exception>
            public abstract void add_param_group(ParamGroup param_group);

            /// <summary>Drops the gradients of all parameters.</summary>
            public abstract void zero_grad();

            /// <summary>Changes every parameter that has a gradient.</summary>
            public abstract void step();

            /// <summary>Disposes the optimizer's state; the parameters stay.</summary>
            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            /// <summary>Disposes the optimizer's state; the parameters stay.</summary>
            /// <param name="disposing">true from <see cref="Dispose()"/>.</param>
            protected abstract void Dispose(bool disposing);

            /// <summary>What an optimizer remembers between steps: the live objects, not copies.</summary>
            public sealed class StateDictionary
            {
                internal StateDictionary()
                {
                }

                /// <summary>The options of each group.</summary>
                public List<OptimizerOptions> Options { get; } = [];

                /// <summary>The state of each parameter, groups one after another.</summary>
                public List<OptimizerState> State { get; } = [];

                /// <summary>For each group, the places of its parameters in <see cref="State"/>.</summary>
                public List<List<int>> StateIndexRef { get; } = [];
            }
        }
    }
}
