namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Fills tensors with initial values, in place and unseen by autograd. Each returns its tensor.</summary>
        public static class init
        {
            private static readonly Op Fill = "aten::fill_.Scalar";
            private static readonly Op Uniform = "aten::uniform_";
            private static readonly Op Normal = "aten::normal_";
            private static readonly Op ErfInv = "aten::erfinv_";
            private static readonly Op Multiply = "aten::mul_.Scalar";
            private static readonly Op Add = "aten::add_.Scalar";
            private static readonly Op Clamp = "aten::clamp_";
            private static readonly Op NormalDistribution = "aten::special_ndtr";

            /// <summary>What follows the layer, for <see cref="calculate_gain"/>.</summary>
            public enum NonlinearityType
            {
                /// <summary>Nothing.</summary>
                Linear = 0,

                /// <summary>Nothing, after a convolution.</summary>
                Conv2D = 2,

                /// <summary>The logistic function.</summary>
                Sigmoid = 7,

                /// <summary>The hyperbolic tangent.</summary>
                Tanh = 8,

                /// <summary>max(x, 0).</summary>
                ReLU = 9,

                /// <summary>max(x, 0) plus a slope times min(x, 0).</summary>
                LeakyReLU = 10,
            }

            /// <summary>Which count the deviation is divided by.</summary>
            public enum FanInOut
            {
                /// <summary>Inputs of an output, which keeps the forward pass's variance.</summary>
                FanIn = 0,

                /// <summary>Outputs of an input, which keeps the backward pass's variance.</summary>
                FanOut = 1,
            }

            /// <summary>The deviation that keeps the variance through a nonlinearity, relative to a linear layer's.</summary>
            /// <param name="nonlinearity">what follows the layer.</param>
            /// <param name="param">the slope of LeakyReLU.</param>
            public static double calculate_gain(NonlinearityType nonlinearity, double param = 0.0) => nonlinearity switch
            {
                NonlinearityType.Tanh => 5.0 / 3.0,
                NonlinearityType.ReLU => Math.Sqrt(2.0),
                NonlinearityType.LeakyReLU => Math.Sqrt(2.0 / (1 + param * param)),
                _ => 1.0,
            };

            /// <summary>Fills with 0.</summary>
            /// <param name="tensor">any shape.</param>
            public static Tensor zeros_(Tensor tensor) => constant_(tensor, 0);

            /// <summary>Fills with 1.</summary>
            /// <param name="tensor">any shape.</param>
            public static Tensor ones_(Tensor tensor) => constant_(tensor, 1);

            /// <summary>Fills with one value.</summary>
            /// <param name="tensor">any shape.</param>
            /// <param name="val">the value.</param>
            public static Tensor constant_(Tensor tensor, Scalar val) => Quietly(() => Fill.InPlace(tensor, val));

            /// <summary>Fills uniformly between two values.</summary>
            /// <param name="tensor">any shape.</param>
            /// <param name="low">the least value.</param>
            /// <param name="high">the greatest value.</param>
            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1) => Quietly(() => Uniform.InPlace(tensor, low, high));

            /// <summary>Fills from a normal distribution.</summary>
            /// <param name="tensor">any shape.</param>
            /// <param name="mean">its mean.</param>
            /// <param name="std">its deviation.</param>
            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1) => Quietly(() => Normal.InPlace(tensor, mean, std));

            /// <summary>Fills from a normal distribution cut off at two values, by the inverse of its distribution function.</summary>
            /// <param name="tensor">any shape.</param>
            /// <param name="mean">the mean before the cut.</param>
            /// <param name="std">the deviation before the cut.</param>
            /// <param name="a">the least value: an absolute one, not in deviations.</param>
            /// <param name="b">the greatest value.</param>
            public static Tensor trunc_normal_(Tensor tensor, double mean = 0.0, double std = 1.0, double a = -2.0, double b = 2.0) => Quietly(() =>
            {
                Uniform.Invoke(tensor, 2 * NormalCdf((a - mean) / std) - 1, 2 * NormalCdf((b - mean) / std) - 1);
                ErfInv.Invoke(tensor);
                Multiply.Invoke(tensor, std * Math.Sqrt(2.0));
                Add.Invoke(tensor, mean);
                return Clamp.InPlace(tensor, a, b);
            });

            /// <summary>Fills uniformly within gain sqrt(6 / (fan in + fan out)).</summary>
            /// <param name="tensor">a weight of two dimensions or more.</param>
            /// <param name="gain">a factor, such as from <see cref="calculate_gain"/>.</param>
            public static Tensor xavier_uniform_(Tensor tensor, double gain = 1.0)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                double bound = Math.Sqrt(3.0) * gain * Math.Sqrt(2.0 / (fanIn + fanOut));
                return uniform_(tensor, -bound, bound);
            }

            /// <summary>Fills from a normal distribution of deviation gain sqrt(2 / (fan in + fan out)).</summary>
            /// <param name="tensor">a weight of two dimensions or more.</param>
            /// <param name="gain">a factor, such as from <see cref="calculate_gain"/>.</param>
            public static Tensor xavier_normal_(Tensor tensor, double gain = 1.0)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                return normal_(tensor, 0, gain * Math.Sqrt(2.0 / (fanIn + fanOut)));
            }

            /// <summary>Fills uniformly within gain sqrt(3 / fan).</summary>
            /// <param name="tensor">a weight of two dimensions or more.</param>
            /// <param name="a">the slope of LeakyReLU.</param>
            /// <param name="mode">which fan.</param>
            /// <param name="nonlinearity">what follows the layer.</param>
            public static Tensor kaiming_uniform_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU)
            {
                double bound = Math.Sqrt(3.0) * KaimingDeviation(tensor, a, mode, nonlinearity);
                return uniform_(tensor, -bound, bound);
            }

            /// <summary>Fills from a normal distribution of deviation gain / sqrt(fan).</summary>
            /// <param name="tensor">a weight of two dimensions or more.</param>
            /// <param name="a">the slope of LeakyReLU.</param>
            /// <param name="mode">which fan.</param>
            /// <param name="nonlinearity">what follows the layer.</param>
            public static Tensor kaiming_normal_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU) =>
                normal_(tensor, 0, KaimingDeviation(tensor, a, mode, nonlinearity));

            /// <summary>How many inputs an output of a layer has, and how many outputs an input.</summary>
            /// <param name="tensor">the layer's weight, (out, in) or (out, in, kernel...).</param>
            /// <exception cref="ArgumentException">fewer than two dimensions.</exception>
            public static (long fanIn, long fanOut) CalculateFanInAndFanOut(Tensor tensor)
            {
                long[] shape = tensor.shape;
                if (shape.Length < 2)
                    throw new ArgumentException($"A tensor of shape [{string.Join(", ", shape)}] has no fan in and fan out; use uniform_ or normal_ for it, or give a weight of two dimensions or more.", nameof(tensor));
                long field = shape.Skip(2).Aggregate(1L, (product, side) => product * side);
                return (shape[1] * field, shape[0] * field);
            }

            private static double KaimingDeviation(Tensor tensor, double a, FanInOut mode, NonlinearityType nonlinearity)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                return calculate_gain(nonlinearity, a) / Math.Sqrt(mode == FanInOut.FanIn ? fanIn : fanOut);
            }

            // What Linear and the convolutions start with: both uniform within 1 / sqrt(fan in).
            internal static void DefaultInit(Tensor weight, Tensor? bias)
            {
                kaiming_uniform_(weight, a: Math.Sqrt(5.0));
                if (bias is null) return;
                double bound = 1 / Math.Sqrt(CalculateFanInAndFanOut(weight).fanIn);
                uniform_(bias, -bound, bound);
            }

            private static Tensor Quietly(Func<Tensor> fill)
            {
                using var _ = no_grad();
                return fill();
            }

            private static double NormalCdf(double x)
            {
                using var point = tensor(x, float64);
                using var below = NormalDistribution.Call(point);
                return below.item<double>();
            }
        }
    }
}
