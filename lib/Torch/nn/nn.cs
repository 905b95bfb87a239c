using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Neural networks: the base classes of modules, and a function to make each kind.</summary>
    public static partial class nn
    {
        /// <summary>Makes a leaf parameter of a tensor, whose handle it takes over.</summary>
        /// <param name="data">the initial values, any shape.</param>
        /// <param name="requires_grad">whether gradients are collected for it.</param>
        public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);

        // ---- containers ----------------------------------------------------------------------------------------

        /// <summary>A list of modules, registered under "0", "1", and so on.</summary>
        /// <param name="modules">the first elements; none for an empty list.</param>
        public static ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);

        /// <summary>Modules one after another, registered under "0", "1", and so on.</summary>
        /// <param name="modules">the steps, in order; none for the identity.</param>
        public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) => new(modules);

        /// <summary>Named modules one after another.</summary>
        /// <param name="modules">the steps with their names, in order.</param>
        public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) => new(modules);

        /// <summary>An empty chain, to be added to with <c>append</c>.</summary>
        public static Sequential Sequential() => new(Array.Empty<Module<Tensor, Tensor>>());

        // ---- layers --------------------------------------------------------------------------------------------

        /// <summary>The affine map x W^T + b over the last dimension.</summary>
        /// <param name="inputSize">the size of the input's last dimension.</param>
        /// <param name="outputSize">the size of the output's last dimension.</param>
        /// <param name="hasBias">whether b is there.</param>
        /// <param name="device">where the parameters lie; the default device where null.</param>
        /// <param name="dtype">their type; the default type where null.</param>
        public static Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device? device = null, ScalarType? dtype = null) => new(inputSize, outputSize, hasBias, device, dtype);

        /// <summary>A one-dimensional convolution: (B, in_channels, L) to (B, out_channels, L').</summary>
        /// <param name="in_channels">channels of the input.</param>
        /// <param name="out_channels">channels of the output.</param>
        /// <param name="kernel_size">the length of the kernel.</param>
        /// <param name="stride">the step between windows.</param>
        /// <param name="padding">elements added at either end.</param>
        /// <param name="dilation">the step between kernel elements.</param>
        /// <param name="padding_mode">what the added elements are.</param>
        /// <param name="groups">into how many independent groups the channels fall.</param>
        /// <param name="bias">whether each output channel has a bias.</param>
        /// <param name="device">where the parameters lie; the default device where null.</param>
        /// <param name="dtype">their type; the default type where null.</param>
        /// <exception cref="ArgumentException">the groups do not divide the channels.</exception>
        public static Conv1d Conv1d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
            new(in_channels, out_channels, kernel_size, stride, padding, dilation, padding_mode, groups, bias, device, dtype);

        /// <summary>A two-dimensional convolution with a square kernel: (B, in_channels, H, W) to (B, out_channels, H', W').</summary>
        /// <param name="in_channels">channels of the input.</param>
        /// <param name="out_channels">channels of the output.</param>
        /// <param name="kernel_size">the side of the kernel.</param>
        /// <param name="stride">the step between windows.</param>
        /// <param name="padding">elements added at either end.</param>
        /// <param name="dilation">the step between kernel elements.</param>
        /// <param name="padding_mode">what the added elements are.</param>
        /// <param name="groups">into how many independent groups the channels fall.</param>
        /// <param name="bias">whether each output channel has a bias.</param>
        /// <param name="device">where the parameters lie; the default device where null.</param>
        /// <param name="dtype">their type; the default type where null.</param>
        /// <exception cref="ArgumentException">the groups do not divide the channels.</exception>
        public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
            new(in_channels, out_channels, (kernel_size, kernel_size), (stride, stride), (padding, padding), (dilation, dilation), padding_mode, groups, bias, device, dtype);

        /// <summary>A two-dimensional convolution with a rectangular kernel: (B, in_channels, H, W) to (B, out_channels, H', W').</summary>
        /// <param name="in_channels">channels of the input.</param>
        /// <param name="out_channels">channels of the output.</param>
        /// <param name="kernel_size">height and width of the kernel.</param>
        /// <param name="stride">the step between windows; 1 where null.</param>
        /// <param name="padding">elements added at either end; 0 where null.</param>
        /// <param name="dilation">the step between kernel elements; 1 where null.</param>
        /// <param name="padding_mode">what the added elements are.</param>
        /// <param name="groups">into how many independent groups the channels fall.</param>
        /// <param name="bias">whether each output channel has a bias.</param>
        /// <param name="device">where the parameters lie; the default device where null.</param>
        /// <param name="dtype">their type; the default type where null.</param>
        /// <exception cref="ArgumentException">the groups do not divide the channels.</exception>
        public static Conv2d Conv2d(long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
            new(in_channels, out_channels, kernel_size, stride ?? (1, 1), padding ?? (0, 0), dilation ?? (1, 1), padding_mode, groups, bias, device, dtype);

        /// <summary>A transposed two-dimensional convolution with a square kernel: (B, in_channels, H, W) to (B, out_channels, H', W').</summary>
        /// <param name="in_channels">channels of the input.</param>
        /// <param name="out_channels">channels of the output.</param>
        /// <param name="kernel_size">the side of the kernel.</param>
        /// <param name="stride">the step between windows of the output.</param>
        /// <param name="padding">elements cut off the output at either end.</param>
        /// <param name="output_padding">elements added to the output at one end.</param>
        /// <param name="dilation">the step between kernel elements.</param>
        /// <param name="padding_mode">only Zeros.</param>
        /// <param name="groups">into how many independent groups the channels fall.</param>
        /// <param name="bias">whether each output channel has a bias.</param>
        /// <param name="device">where the parameters lie; the default device where null.</param>
        /// <param name="dtype">their type; the default type where null.</param>
        /// <exception cref="ArgumentException">the groups do not divide the channels, or another padding mode.</exception>
        public static ConvTranspose2d ConvTranspose2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long output_padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null)
        {
            if (padding_mode != PaddingModes.Zeros)
                throw new ArgumentException($"A transposed convolution has no padding mode {padding_mode}; its padding cuts the output, so use Zeros.", nameof(padding_mode));
            return new(in_channels, out_channels, (kernel_size, kernel_size), (stride, stride), (padding, padding), (output_padding, output_padding), (dilation, dilation), groups, bias, device, dtype);
        }

        /// <summary>A table of vectors: Int64 indices (...) to (..., embedding_dims).</summary>
        /// <param name="num_embeddings">rows of the table.</param>
        /// <param name="embedding_dims">the length of a row.</param>
        /// <param name="padding_idx">a row that starts at 0 and is not learned; none where null.</param>
        /// <param name="device">where the table lies; the default device where null.</param>
        /// <param name="dtype">its type; the default type where null.</param>
        /// <exception cref="ArgumentException">the table has no row <paramref name="padding_idx"/>.</exception>
        public static Embedding Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, Device? device = null, ScalarType? dtype = null) => new(num_embeddings, embedding_dims, padding_idx, device, dtype);

        // ---- normalisation -------------------------------------------------------------------------------------

        /// <summary>Normalises the last dimensions of each sample to mean 0 and variance 1, then scales and shifts.</summary>
        /// <param name="normalized_shape">the sizes of the last dimensions.</param>
        /// <param name="eps">added to the variance.</param>
        /// <param name="elementwise_affine">whether there is a scale.</param>
        /// <param name="bias">whether there is a shift; not without a scale.</param>
        /// <param name="device">where the parameters lie; the default device where null.</param>
        /// <param name="dtype">their type; the default type where null.</param>
        public static LayerNorm LayerNorm(long[] normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true, Device? device = null, ScalarType? dtype = null) => new(normalized_shape, eps, elementwise_affine, bias, device, dtype);

        /// <summary>Normalises the last dimension of each sample to mean 0 and variance 1, then scales and shifts.</summary>
        /// <param name="normalized_shape">the size of the last dimension.</param>
        /// <param name="eps">added to the variance.</param>
        /// <param name="elementwise_affine">whether there is a scale.</param>
        /// <param name="bias">whether there is a shift; not without a scale.</param>
        /// <param name="device">where the parameters lie; the default device where null.</param>
        /// <param name="dtype">their type; the default type where null.</param>
        public static LayerNorm LayerNorm(long normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true, Device? device = null, ScalarType? dtype = null) => new([normalized_shape], eps, elementwise_affine, bias, device, dtype);

        /// <summary>Normalises each group of channels of each sample to mean 0 and variance 1, then scales and shifts each channel.</summary>
        /// <param name="num_groups">a divisor of the number of channels.</param>
        /// <param name="num_channels">the number of channels.</param>
        /// <param name="eps">added to the variance.</param>
        /// <param name="affine">whether there are scale and shift.</param>
        /// <param name="device">where the parameters lie; the default device where null.</param>
        /// <param name="dtype">their type; the default type where null.</param>
        /// <exception cref="ArgumentException">the groups do not divide the channels.</exception>
        public static GroupNorm GroupNorm(long num_groups, long num_channels, double eps = 1e-05, bool affine = true, Device? device = null, ScalarType? dtype = null) => new(num_groups, num_channels, eps, affine, device, dtype);

        /// <summary>Normalises each channel over the batch and all pixels, then scales and shifts it.</summary>
        /// <param name="num_features">the number of channels.</param>
        /// <param name="eps">added to the variance.</param>
        /// <param name="momentum">the weight of the newest batch in the running statistics.</param>
        /// <param name="affine">whether there are scale and shift.</param>
        /// <param name="track_running_stats">whether running statistics are kept for evaluation.</param>
        /// <param name="device">where the parameters lie; the default device where null.</param>
        /// <param name="dtype">their type; the default type where null.</param>
        public static BatchNorm2d BatchNorm2d(long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null) => new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

        // ---- without parameters --------------------------------------------------------------------------------

        /// <summary>In training, zeroes each element with probability p and divides the others by 1 - p.</summary>
        /// <param name="p">the probability of a zero, 0 to 1.</param>
        /// <param name="inplace">whether the input itself is changed.</param>
        public static Dropout Dropout(double p = 0.5, bool inplace = false) => new(p, inplace);

        /// <summary>Passes its input on.</summary>
        public static Identity Identity() => new();

        /// <summary>x Phi(x), elementwise, Phi by the error function.</summary>
        public static GELU GELU() => new(Modules.GELU.Approximate.none);

        /// <summary>x Phi(x), elementwise.</summary>
        /// <param name="approximate">how Phi is computed.</param>
        public static GELU GELU(GELU.Approximate approximate) => new(approximate);

        /// <summary>x sigmoid(x), elementwise.</summary>
        public static SiLU SiLU() => new();

        /// <summary>max(x, 0), elementwise.</summary>
        /// <param name="inplace">whether the input itself is changed.</param>
        public static ReLU ReLU(bool inplace = false) => new(inplace);

        /// <summary>The greatest element of each square window: (B, C, H, W) to (B, C, H', W').</summary>
        /// <param name="kernel_size">the side of the window.</param>
        /// <param name="stride">the step between windows; the window's side where null.</param>
        /// <param name="padding">elements added at either end, at most half the window; 0 where null.</param>
        /// <param name="dilation">the step between window elements; 1 where null.</param>
        /// <param name="ceil_mode">whether a last window may reach beyond the end.</param>
        public static MaxPool2d MaxPool2d(long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
            new([kernel_size], [stride ?? kernel_size], [padding ?? 0], [dilation ?? 1], ceil_mode);

        /// <summary>The mean of each square window: (B, C, H, W) to (B, C, H', W').</summary>
        /// <param name="kernel_size">the side of the window.</param>
        /// <param name="stride">the step between windows; the window's side where null.</param>
        /// <param name="padding">zeros added at either end, at most half the window; 0 where null.</param>
        /// <param name="ceil_mode">whether a last window may reach beyond the end.</param>
        /// <param name="count_include_pad">whether padding counts in the mean.</param>
        public static AvgPool2d AvgPool2d(long kernel_size, long? stride = null, long? padding = null, bool ceil_mode = false, bool count_include_pad = true) =>
            new([kernel_size], [stride ?? kernel_size], [padding ?? 0], ceil_mode, count_include_pad);

        /// <summary>Means over windows chosen so that the output is a square of a given size: (B, C, H, W) to (B, C, h, h).</summary>
        /// <param name="output_size">the side of the output.</param>
        public static AdaptiveAvgPool2d AdaptiveAvgPool2d(long output_size) => new((output_size, output_size));

        /// <summary>Means over windows chosen so that the output has a given size: (B, C, H, W) to (B, C, h, w).</summary>
        /// <param name="output_size">h and w.</param>
        public static AdaptiveAvgPool2d AdaptiveAvgPool2d((long, long) output_size) => new(output_size);

        /// <summary>Resizes images: (B, C, H, W) to (B, C, H', W').</summary>
        /// <param name="size">H' and W'; null where a factor is given.</param>
        /// <param name="scale_factor">the factors of H and W, one number for both or two; null where a size is given.</param>
        /// <param name="mode">how the pixels are filled.</param>
        /// <param name="align_corners">whether the centres of the corner pixels stay in place; not for Nearest.</param>
        public static Upsample Upsample(long[]? size = null, double[]? scale_factor = null, UpsampleMode mode = UpsampleMode.Nearest, bool? align_corners = null) => new(size, scale_factor, mode, align_corners);
    }
}
