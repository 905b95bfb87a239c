using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>The operators of neural networks as functions; the modules call these.</summary>
        public static class functional
        {
            private static readonly Op Linear = "aten::linear";
            private static readonly Op Conv1d = "aten::conv1d";
            private static readonly Op Conv2d = "aten::conv2d";
            private static readonly Op ConvTranspose2d = "aten::conv_transpose2d.input";
            private static readonly Op Gelu = "aten::gelu";
            private static readonly Op Silu = "aten::silu";
            private static readonly Op SiluInPlace = "aten::silu_";
            private static readonly Op Relu = "aten::relu";
            private static readonly Op ReluInPlace = "aten::relu_";
            private static readonly Op Softplus = "aten::softplus";
            private static readonly Op Sigmoid = "aten::sigmoid";
            private static readonly Op Softmax = "aten::softmax.int";
            private static readonly Op LogSoftmax = "aten::log_softmax.int";
            private static readonly Op Dropout = "aten::dropout";
            private static readonly Op DropoutInPlace = "aten::dropout_";
            private static readonly Op LayerNorm = "aten::layer_norm";
            private static readonly Op GroupNorm = "aten::group_norm";
            private static readonly Op BatchNorm = "aten::batch_norm";
            private static readonly Op MaxPool2d = "aten::max_pool2d";
            private static readonly Op AvgPool2d = "aten::avg_pool2d";
            private static readonly Op AdaptiveAvgPool2d = "aten::adaptive_avg_pool2d";
            private static readonly Op Pad = "aten::pad";
            private static readonly Op Nearest = "aten::upsample_nearest2d.vec";
            private static readonly Op Bilinear = "aten::upsample_bilinear2d.vec";
            private static readonly Op BilinearSmooth = "aten::_upsample_bilinear2d_aa.vec";
            private static readonly Op Bicubic = "aten::upsample_bicubic2d.vec";
            private static readonly Op BicubicSmooth = "aten::_upsample_bicubic2d_aa.vec";
            private static readonly Op CrossEntropy = "aten::cross_entropy_loss";
            private static readonly Op NllLoss = "aten::nll_loss_nd";
            private static readonly Op BceWithLogits = "aten::binary_cross_entropy_with_logits";
            private static readonly Op MseLoss = "aten::mse_loss";
            private static readonly Op L1Loss = "aten::l1_loss";
            private static readonly Op SmoothL1Loss = "aten::smooth_l1_loss";
            private static readonly Op OneHot = "aten::one_hot";
            private static readonly Op Norm = "aten::norm.ScalarOpt_dim";
            private static readonly Op ClampMin = "aten::clamp_min";
            private static readonly Op Divide = "aten::div.Tensor";
            private static readonly Op Attention = "aten::scaled_dot_product_attention";

            // ---- linear maps and convolutions ------------------------------------------------------------------

            /// <summary>x W^T + b over the last dimension.</summary>
            /// <param name="input">(..., in).</param>
            /// <param name="weights">(out, in).</param>
            /// <param name="bias">(out), or null.</param>
            /// <returns>(..., out).</returns>
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => Linear.Call(input, weights, bias);

            /// <summary>A one-dimensional convolution.</summary>
            /// <param name="input">(B, C, L).</param>
            /// <param name="weight">(out, C / groups, k).</param>
            /// <param name="bias">(out), or null.</param>
            /// <param name="stride">the step between windows; 1 where null.</param>
            /// <param name="padding">zeros added at either end; 0 where null.</param>
            /// <param name="dilation">the step between kernel elements; 1 where null.</param>
            /// <param name="groups">into how many independent groups the channels fall.</param>
            /// <returns>(B, out, (L + 2 padding - dilation (k - 1) - 1) / stride + 1).</returns>
            public static Tensor conv1d(Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null, long? dilation = null, long groups = 1) =>
                Conv1d.Call(input, weight, bias, stride ?? 1, padding ?? 0, dilation ?? 1, Groups(groups));

            /// <summary>A two-dimensional convolution.</summary>
            /// <param name="input">(B, C, H, W).</param>
            /// <param name="weight">(out, C / groups, kh, kw).</param>
            /// <param name="bias">(out), or null.</param>
            /// <param name="strides">the step between windows, one number or two; 1 where null.</param>
            /// <param name="padding">zeros added at either end, one number or two; 0 where null.</param>
            /// <param name="dilation">the step between kernel elements, one number or two; 1 where null.</param>
            /// <param name="groups">into how many independent groups the channels fall.</param>
            /// <returns>(B, out, H', W').</returns>
            public static Tensor conv2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1) =>
                Conv2d.Call(input, weight, bias, strides ?? [1], padding ?? [0], dilation ?? [1], Groups(groups));

            // libtorch cuts the number to 32 bits, and ends the process where 0 is left.
            private static long Groups(long groups) => groups is > 0 and <= int.MaxValue ? groups : throw new ArgumentException($"A convolution was given {groups} groups; use 1, or a divisor of its channels.");

            /// <summary>A transposed two-dimensional convolution.</summary>
            /// <param name="input">(B, C, H, W).</param>
            /// <param name="weight">(C, out / groups, kh, kw).</param>
            /// <param name="bias">(out), or null.</param>
            /// <param name="strides">the step between windows of the output; 1 where null.</param>
            /// <param name="padding">elements cut off the output at either end; 0 where null.</param>
            /// <param name="output_padding">elements added to the output at one end; 0 where null.</param>
            /// <param name="dilation">the step between kernel elements; 1 where null.</param>
            /// <param name="groups">into how many independent groups the channels fall.</param>
            /// <returns>(B, out, H', W').</returns>
            public static Tensor conv_transpose2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? output_padding = null, long[]? dilation = null, long groups = 1) =>
                ConvTranspose2d.Call(input, weight, bias, strides ?? [1], padding ?? [0], output_padding ?? [0], Groups(groups), dilation ?? [1]);

            // ---- activations -----------------------------------------------------------------------------------

            /// <summary>x Phi(x), elementwise, Phi by the error function.</summary>
            /// <param name="x">any shape.</param>
            public static Tensor gelu(Tensor x) => Gelu.Call(x);

            /// <summary>x Phi(x), elementwise.</summary>
            /// <param name="x">any shape.</param>
            /// <param name="approximate">how Phi is computed.</param>
            public static Tensor gelu(Tensor x, GELU.Approximate approximate) => Gelu.Call(x, approximate == Modules.GELU.Approximate.tanh ? "tanh" : "none");

            /// <summary>x sigmoid(x), elementwise.</summary>
            /// <param name="x">any shape.</param>
            /// <param name="inplace">whether <paramref name="x"/> itself is changed.</param>
            public static Tensor silu(Tensor x, bool inplace = false) => (inplace ? SiluInPlace : Silu).Call(x);

            /// <summary>max(x, 0), elementwise.</summary>
            /// <param name="x">any shape.</param>
            /// <param name="inplace">whether <paramref name="x"/> itself is changed.</param>
            public static Tensor relu(Tensor x, bool inplace = false) => (inplace ? ReluInPlace : Relu).Call(x);

            /// <summary>log(1 + exp(beta x)) / beta, elementwise.</summary>
            /// <param name="x">any shape.</param>
            /// <param name="beta">the sharpness of the bend.</param>
            /// <param name="threshold">where beta x exceeds it, the result is x.</param>
            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => Softplus.Call(x, beta, threshold);

            /// <summary>1 / (1 + exp(-x)), elementwise.</summary>
            /// <param name="x">any shape.</param>
            public static Tensor sigmoid(Tensor x) => Sigmoid.Call(x);

            /// <summary>exp(x) divided by its sum over a dimension.</summary>
            /// <param name="input">any shape.</param>
            /// <param name="dim">the dimension summed over.</param>
            /// <param name="dtype">the type to convert to first; the input's where null.</param>
            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => Softmax.Call(input, dim, dtype);

            /// <summary>The logarithm of <see cref="softmax"/>.</summary>
            /// <param name="x">any shape.</param>
            /// <param name="dim">the dimension summed over.</param>
            public static Tensor log_softmax(Tensor x, long dim) => LogSoftmax.Call(x, dim);

            /// <summary>In training, zeroes each element with probability <paramref name="p"/> and divides the others by 1 - p.</summary>
            /// <param name="input">any shape.</param>
            /// <param name="p">the probability of a zero, 0 to 1.</param>
            /// <param name="training">false to do nothing.</param>
            /// <param name="inplace">whether <paramref name="input"/> itself is changed.</param>
            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => (inplace ? DropoutInPlace : Dropout).Call(input, p, training);

            // ---- normalisation ---------------------------------------------------------------------------------

            /// <summary>Normalises the last dimensions to mean 0 and variance 1, then scales and shifts.</summary>
            /// <param name="input">(..., normalized_shape).</param>
            /// <param name="normalized_shape">the sizes of the last dimensions.</param>
            /// <param name="weight">the scale, normalized_shape, or null.</param>
            /// <param name="bias">the shift, normalized_shape, or null.</param>
            /// <param name="eps">added to the variance.</param>
            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5) => LayerNorm.Call(input, normalized_shape, weight, bias, eps);

            /// <summary>Normalises each group of channels to mean 0 and variance 1, then scales and shifts each channel.</summary>
            /// <param name="input">(B, C, ...).</param>
            /// <param name="num_groups">a divisor of C.</param>
            /// <param name="weight">the scale, (C), or null.</param>
            /// <param name="bias">the shift, (C), or null.</param>
            /// <param name="eps">added to the variance.</param>
            public static Tensor group_norm(Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5) => GroupNorm.Call(input, num_groups, weight, bias, eps);

            /// <summary>Normalises each channel over batch and space, then scales and shifts it; in training it updates the running statistics.</summary>
            /// <param name="input">(B, C, ...).</param>
            /// <param name="running_mean">(C), or null.</param>
            /// <param name="running_var">(C), or null.</param>
            /// <param name="weight">the scale, (C), or null.</param>
            /// <param name="bias">the shift, (C), or null.</param>
            /// <param name="training">true for the batch's statistics, false for the running ones.</param>
            /// <param name="momentum">the weight of this batch in the running statistics.</param>
            /// <param name="eps">added to the variance.</param>
            /// <exception cref="ArgumentException">training with a single value per channel, whose variance is 0.</exception>
            public static Tensor batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight = null, Tensor? bias = null, bool training = false, double momentum = 0.1, double eps = 1e-5)
            {
                if (training && input.numel() == input.shape[1])
                    throw new ArgumentException($"Batch norm cannot train on the shape [{string.Join(", ", input.shape)}]: one value per channel has no variance; use a larger batch or image, or eval().", nameof(input));
                return BatchNorm.Call(input, weight, bias, running_mean, running_var, training, momentum, eps, true);
            }

            /// <summary>Divides vectors by their norm.</summary>
            /// <param name="input">any shape.</param>
            /// <param name="p">which norm.</param>
            /// <param name="dim">the dimension along which the vectors lie.</param>
            /// <param name="eps">the least divisor.</param>
            public static Tensor normalize(Tensor input, double p = 2.0, long dim = 1, double eps = 1e-12)
            {
                using var norm = Norm.Call(input, p, new[] { dim }, true);
                using var divisor = ClampMin.Call(norm, eps);
                return Divide.Call(input, divisor);
            }

            // ---- pooling, padding, resizing --------------------------------------------------------------------

            /// <summary>The greatest element of each window.</summary>
            /// <param name="input">(B, C, H, W).</param>
            /// <param name="kernel_size">the window, one number or two.</param>
            /// <param name="strides">the step between windows; the window's size where null.</param>
            /// <param name="padding">elements added at either end, at most half the window; 0 where null.</param>
            /// <param name="dilation">the step between window elements; 1 where null.</param>
            /// <param name="ceil_mode">whether a last window may reach beyond the end.</param>
            /// <returns>(B, C, H', W').</returns>
            public static Tensor max_pool2d(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false) =>
                MaxPool2d.Call(input, kernel_size, strides ?? kernel_size, padding ?? [0], dilation ?? [1], ceil_mode);

            /// <summary>The greatest element of each square window.</summary>
            /// <param name="input">(B, C, H, W).</param>
            /// <param name="kernel_size">the side of the window.</param>
            /// <param name="stride">the step between windows; the window's side where null.</param>
            /// <param name="padding">elements added at either end, at most half the window; 0 where null.</param>
            /// <param name="dilation">the step between window elements; 1 where null.</param>
            /// <param name="ceil_mode">whether a last window may reach beyond the end.</param>
            /// <returns>(B, C, H', W').</returns>
            public static Tensor max_pool2d(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                MaxPool2d.Call(input, kernel_size, stride ?? kernel_size, padding ?? 0, dilation ?? 1, ceil_mode);

            /// <summary>The mean of each window.</summary>
            /// <param name="input">(B, C, H, W).</param>
            /// <param name="kernel_size">the window, one number or two.</param>
            /// <param name="stride">the step between windows; the window's size where null.</param>
            /// <param name="padding">zeros added at either end, at most half the window; 0 where null.</param>
            /// <param name="ceil_mode">whether a last window may reach beyond the end.</param>
            /// <param name="count_include_pad">whether padding counts in the mean.</param>
            /// <param name="divisor_override">what sums are divided by, instead of the window's number of elements.</param>
            /// <returns>(B, C, H', W').</returns>
            public static Tensor avg_pool2d(Tensor input, long[] kernel_size, long[]? stride = null, long[]? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                AvgPool2d.Call(input, kernel_size, stride ?? kernel_size, padding ?? [0], ceil_mode, count_include_pad, divisor_override);

            /// <summary>The mean of each square window.</summary>
            /// <param name="input">(B, C, H, W).</param>
            /// <param name="kernel_size">the side of the window.</param>
            /// <param name="stride">the step between windows; the window's side where null.</param>
            /// <param name="padding">zeros added at either end, at most half the window.</param>
            /// <param name="ceil_mode">whether a last window may reach beyond the end.</param>
            /// <param name="count_include_pad">whether padding counts in the mean.</param>
            /// <param name="divisor_override">what sums are divided by, instead of the window's number of elements.</param>
            /// <returns>(B, C, H', W').</returns>
            public static Tensor avg_pool2d(Tensor input, long kernel_size, long? stride = null, long padding = 0, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                AvgPool2d.Call(input, kernel_size, stride ?? kernel_size, padding, ceil_mode, count_include_pad, divisor_override);

            /// <summary>Means over windows chosen so that the output has a given size.</summary>
            /// <param name="input">(B, C, H, W).</param>
            /// <param name="output_size">h and w.</param>
            /// <returns>(B, C, h, w).</returns>
            public static Tensor adaptive_avg_pool2d(Tensor input, long[] output_size) => AdaptiveAvgPool2d.Call(input, output_size);

            /// <summary>Means over windows chosen so that the output is a square of a given size.</summary>
            /// <param name="input">(B, C, H, W).</param>
            /// <param name="output_size">the side of the output.</param>
            /// <returns>(B, C, output_size, output_size).</returns>
            public static Tensor adaptive_avg_pool2d(Tensor input, long output_size) => AdaptiveAvgPool2d.Call(input, new[] { output_size, output_size });

            /// <summary>Adds elements around a tensor.</summary>
            /// <param name="input">any shape.</param>
            /// <param name="pad">elements before and after, in pairs, the last dimension first; negative ones cut off.</param>
            /// <param name="mode">what the elements are; Zeros is Constant with 0.</param>
            /// <param name="value">the constant, in mode Constant.</param>
            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => mode switch
            {
                PaddingModes.Zeros => Pad.Call(input, pad, "constant", 0.0),
                PaddingModes.Constant => Pad.Call(input, pad, "constant", value),
                PaddingModes.Reflect => Pad.Call(input, pad, "reflect"),
                PaddingModes.Replicate => Pad.Call(input, pad, "replicate"),
                _ => Pad.Call(input, pad, "circular"),
            };

            /// <summary>Adds elements before and after the last dimension.</summary>
            /// <param name="input">any shape.</param>
            /// <param name="pad">before, after; negative ones cut off.</param>
            /// <param name="mode">what the elements are; Zeros is Constant with 0.</param>
            /// <param name="value">the constant, in mode Constant.</param>
            public static Tensor pad(Tensor input, (long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => functional.pad(input, [pad.Item1, pad.Item2], mode, value);

            /// <summary>Adds elements around the last two dimensions.</summary>
            /// <param name="input">any shape of two dimensions or more.</param>
            /// <param name="pad">left, right, top, bottom; negative ones cut off.</param>
            /// <param name="mode">what the elements are; Zeros is Constant with 0.</param>
            /// <param name="value">the constant, in mode Constant.</param>
            public static Tensor pad(Tensor input, (long, long, long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => functional.pad(input, [pad.Item1, pad.Item2, pad.Item3, pad.Item4], mode, value);

            /// <summary>Resizes images.</summary>
            /// <param name="x">(B, C, H, W).</param>
            /// <param name="size">H' and W'; null where a factor is given.</param>
            /// <param name="scale_factor">the factors of H and W, one number for both or two; null where a size is given.</param>
            /// <param name="mode">how the pixels are filled.</param>
            /// <param name="align_corners">whether the centres of the corner pixels stay in place; not for Nearest.</param>
            /// <param name="recompute_scale_factor">whether positions follow from the rounded size rather than from the factor as given.</param>
            /// <param name="antialias">whether shrinking averages all the pixels it covers; for Bilinear and Bicubic.</param>
            /// <returns>(B, C, H', W'), where a factor gives H' = floor(H factor).</returns>
            /// <exception cref="ArgumentException">not four dimensions, both or neither of size and factor, or an option that the mode has not.</exception>
            public static Tensor interpolate(Tensor x, long[]? size = null, double[]? scale_factor = null, InterpolationMode mode = InterpolationMode.Nearest, bool? align_corners = null, bool recompute_scale_factor = false, bool antialias = false)
            {
                if (x.ndim != 4)
                    throw new ArgumentException($"interpolate was given the shape [{string.Join(", ", x.shape)}]; it takes (B, C, H, W), so add the dimensions that are missing with unsqueeze.", nameof(x));
                if (size is null == scale_factor is null)
                    throw new ArgumentException(size is null ? "interpolate was given neither size nor scale_factor; give one of them." : "interpolate was given both size and scale_factor; give one of them.");
                if (mode == InterpolationMode.Nearest && (align_corners is not null || antialias))
                    throw new ArgumentException($"interpolate in mode Nearest has neither align_corners nor antialias; leave them out, or use Bilinear or Bicubic.", nameof(mode));

                size = size is [var side] ? [side, side] : size;
                scale_factor = scale_factor is [var factor] ? [factor, factor] : scale_factor;
                if (scale_factor is not null && recompute_scale_factor)
                    (size, scale_factor) = ([(long)Math.Floor(x.shape[2] * scale_factor[0]), (long)Math.Floor(x.shape[3] * scale_factor[1])], null);
                return mode switch
                {
                    InterpolationMode.Nearest => Nearest.Call(x, size, scale_factor),
                    InterpolationMode.Bilinear => (antialias ? BilinearSmooth : Bilinear).Call(x, size, align_corners ?? false, scale_factor),
                    InterpolationMode.Bicubic => (antialias ? BicubicSmooth : Bicubic).Call(x, size, align_corners ?? false, scale_factor),
                    _ => throw new ArgumentException($"interpolate has no mode {mode}; use Nearest, Bilinear or Bicubic.", nameof(mode)),
                };
            }

            // ---- losses ----------------------------------------------------------------------------------------

            /// <summary>The cross entropy between softmax(<paramref name="input"/>) and a target.</summary>
            /// <param name="input">logits, (B, K) or (B, K, ...).</param>
            /// <param name="target">Int64 classes, (B) or (B, ...), or probabilities of the input's shape and a floating type.</param>
            /// <param name="weight">a weight per class, (K), or null.</param>
            /// <param name="ignore_index">a class whose elements do not count; not for probabilities.</param>
            /// <param name="reduction">what to do with the losses of the elements.</param>
            /// <param name="label_smoothing">the part of the target spread evenly over all classes, 0 to 1.</param>
            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0.0) =>
                CrossEntropy.Call(input, target, weight, (long)reduction, ignore_index, label_smoothing);

            /// <summary>The negative log probability of the target classes.</summary>
            /// <param name="input">log probabilities, (B, K) or (B, K, ...).</param>
            /// <param name="target">Int64 classes, (B) or (B, ...).</param>
            /// <param name="weight">a weight per class, (K), or null.</param>
            /// <param name="reduction">what to do with the losses of the elements.</param>
            public static Tensor nll_loss(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) => NllLoss.Call(input, target, weight, (long)reduction);

            /// <summary>The binary cross entropy between sigmoid(<paramref name="input"/>) and a target.</summary>
            /// <param name="input">logits, any shape.</param>
            /// <param name="target">probabilities, of the same shape.</param>
            /// <param name="weight">a weight per element, broadcast to the shape, or null.</param>
            /// <param name="reduction">what to do with the losses of the elements.</param>
            /// <param name="pos_weights">a weight of the positive part, broadcast to the shape, or null.</param>
            /// <exception cref="ArgumentException">the shapes differ.</exception>
            public static Tensor binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, Tensor? pos_weights = null)
            {
                SameShape(input, target);
                return BceWithLogits.Call(input, target, weight, pos_weights, (long)reduction);
            }

            /// <summary>The squared difference.</summary>
            /// <param name="input">any shape.</param>
            /// <param name="target">the same shape.</param>
            /// <param name="reduction">what to do with the losses of the elements.</param>
            /// <exception cref="ArgumentException">the shapes differ.</exception>
            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean)
            {
                SameShape(input, target);
                return MseLoss.Call(input, target, (long)reduction);
            }

            /// <summary>The absolute difference.</summary>
            /// <param name="input">any shape.</param>
            /// <param name="target">the same shape.</param>
            /// <param name="reduction">what to do with the losses of the elements.</param>
            /// <exception cref="ArgumentException">the shapes differ.</exception>
            public static Tensor l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean)
            {
                SameShape(input, target);
                return L1Loss.Call(input, target, (long)reduction);
            }

            /// <summary>The absolute difference less beta / 2, where it exceeds beta; the squared difference over 2 beta below.</summary>
            /// <param name="input">any shape.</param>
            /// <param name="target">the same shape.</param>
            /// <param name="reduction">what to do with the losses of the elements.</param>
            /// <param name="beta">where the two parts meet.</param>
            /// <exception cref="ArgumentException">the shapes differ.</exception>
            public static Tensor smooth_l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean, double beta = 1.0)
            {
                SameShape(input, target);
                return SmoothL1Loss.Call(input, target, (long)reduction, beta);
            }

            // Losses would broadcast a (B, 1) against a (B) without a word.
            private static void SameShape(Tensor input, Tensor target)
            {
                if (!input.shape.AsSpan().SequenceEqual(target.shape))
                    throw new ArgumentException($"The loss was given an input of shape [{string.Join(", ", input.shape)}] and a target of shape [{string.Join(", ", target.shape)}]; reshape or expand one to the other's shape.", nameof(target));
            }

            /// <summary>Rows of zeros with a one at each index.</summary>
            /// <param name="x">Int64 classes, (...).</param>
            /// <param name="num_classes">K; one more than the greatest class where -1.</param>
            /// <returns>(..., K), Int64.</returns>
            public static Tensor one_hot(Tensor x, long num_classes = -1) => OneHot.Call(x, num_classes);

            // ---- attention -------------------------------------------------------------------------------------

            /// <summary>softmax(Q K^T / sqrt(D) + mask) V by libtorch's own operator, which 1.13 has not.</summary>
            /// <param name="query">(B, H, L, D).</param>
            /// <param name="key">(B, H, S, D).</param>
            /// <param name="value">(B, H, S, Dv).</param>
            /// <param name="attn_mask">broadcast to (B, H, L, S): Bool, true where attention is allowed, or floating, added to the scores; or null.</param>
            /// <param name="p">the probability of dropping a weight.</param>
            /// <param name="is_casual">whether each query sees only keys at or before its own position; the name is TorchSharp's.</param>
            /// <returns>(B, H, L, Dv).</returns>
            /// <exception cref="ArgumentException">both a mask and causality are given.</exception>
            /// <exception cref="NotSupportedException">this libtorch has no such operator.</exception>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, double p = 0.0, bool is_casual = false)
            {
                if (is_casual && attn_mask is not null)
                    throw new ArgumentException("scaled_dot_product_attention was given both attn_mask and is_casual; put causality into the mask.", nameof(attn_mask));
                return Attention.Call(query, key, value, attn_mask, p, is_casual);
            }
        }
    }
}
