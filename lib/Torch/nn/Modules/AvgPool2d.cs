using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>The mean of each window: (B, C, H, W) to (B, C, H', W').</summary>
public sealed class AvgPool2d : nn.Module<Tensor, Tensor>
{
    private readonly long[] _kernel, _stride, _padding;
    private readonly bool _ceilMode, _countIncludePad;

    internal AvgPool2d(long[] kernel, long[] stride, long[] padding, bool ceilMode, bool countIncludePad) : base(nameof(AvgPool2d)) =>
        (_kernel, _stride, _padding, _ceilMode, _countIncludePad) = (kernel, stride, padding, ceilMode, countIncludePad);

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => nn.functional.avg_pool2d(input, _kernel, _stride, _padding, _ceilMode, _countIncludePad);
}
