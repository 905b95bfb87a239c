using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Functions over the parameters of a model.</summary>
        public static class utils
        {
            private static readonly Op ForeachNorm = "aten::_foreach_norm.Scalar";
            private static readonly Op ForeachMultiply = "aten::_foreach_mul_.Scalar";
            private static readonly Op Stack = "aten::stack";
            private static readonly Op VectorNorm = "aten::linalg_vector_norm";
            private static readonly Op Clamp = "aten::clamp_";
            private static readonly Op Flatten = "aten::reshape";
            private static readonly Op Concatenate = "aten::cat";

            /// <summary>Scales all gradients, in place, by max_norm / (norm + 1e-6) where that is less than 1; a NaN norm makes them NaN.</summary>
            /// <param name="tensors">the parameters; those without a gradient are passed over.</param>
            /// <param name="max_norm">the greatest norm of all gradients together.</param>
            /// <param name="norm_type">which norm.</param>
            /// <returns>the norm before.</returns>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2.0)
            {
                using var scope = NewDisposeScope();
                using var _ = no_grad();
                var gradients = Gradients(tensors);
                if (gradients.Length == 0) return 0;
                double norm = VectorNorm.Call(Stack.Call(ForeachNorm.CallList(gradients, norm_type)), norm_type).ToDouble();
                double factor = max_norm / (norm + 1e-6);
                if (!(factor >= 1)) ForeachMultiply.Invoke(gradients, factor);
                return norm;
            }

            /// <summary>Limits every element of all gradients to [-clip_value, clip_value], in place.</summary>
            /// <param name="tensors">the parameters; those without a gradient are passed over.</param>
            /// <param name="clip_value">the greatest magnitude.</param>
            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using var scope = NewDisposeScope();
                using var _ = no_grad();
                foreach (var gradient in Gradients(tensors)) Clamp.Invoke(gradient, -clip_value, clip_value);
            }

            /// <summary>All parameters in one vector, in order.</summary>
            /// <param name="tensors">the parameters, of one type and device.</param>
            /// <returns>a new tensor, (the sum of their element counts).</returns>
            public static Tensor parameters_to_vector(IEnumerable<Parameter> tensors)
            {
                using var scope = NewDisposeScope();
                return Concatenate.Call(tensors.Select(parameter => Flatten.Call(parameter, new[] { -1L })).ToArray(), 0).MoveToOuterDisposeScope();
            }

            private static Tensor[] Gradients(IEnumerable<Parameter> parameters) => [.. parameters.Select(parameter => parameter.grad).OfType<Tensor>()];
        }
    }
}
