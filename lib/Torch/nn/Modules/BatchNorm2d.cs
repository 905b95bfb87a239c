using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>
/// Normalises each channel over the batch and all pixels, then scales and shifts: (B, C, H, W) to the same. In training it uses the batch's
/// statistics and updates the running ones; in evaluation the running ones, where they are tracked.
/// </summary>
public sealed class BatchNorm2d : nn.Module<Tensor, Tensor>
{
    /// <summary>The scale of each channel, (C), or null; starts at 1.</summary>
    public readonly Parameter? weight;

    /// <summary>The shift of each channel, (C), or null; starts at 0.</summary>
    public readonly Parameter? bias;

    /// <summary>The running mean, (C), or null; starts at 0.</summary>
    public readonly Tensor? running_mean;

    /// <summary>The running variance (unbiased), (C), or null; starts at 1.</summary>
    public readonly Tensor? running_var;

    /// <summary>How many batches the running statistics have seen, an Int64 scalar, or null.</summary>
    public readonly Tensor? num_batches_tracked;

    internal BatchNorm2d(long numFeatures, double eps, double momentum, bool affine, bool trackRunningStats, Device? device, ScalarType? dtype) : base(nameof(BatchNorm2d))
    {
        (num_features, this.eps, this.momentum) = (numFeatures, eps, momentum);
        if (affine) (weight, bias) = (new Parameter(ones([numFeatures], dtype, device)), new Parameter(zeros([numFeatures], dtype, device)));
        if (trackRunningStats)
            (running_mean, running_var, num_batches_tracked) = (zeros([numFeatures], dtype, device), ones([numFeatures], dtype, device), zeros([], ScalarType.Int64, device));
        RegisterComponents();
    }

    /// <summary>The number of channels.</summary>
    public long num_features { get; }

    /// <summary>Added to the variance.</summary>
    public double eps { get; }

    /// <summary>The weight of the newest batch in the running statistics.</summary>
    public double momentum { get; }

    /// <summary>Whether running statistics are kept.</summary>
    public bool track_running_stats => running_mean is not null;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">the input is not (B, C, H, W) with C = num_features.</exception>
    public override Tensor forward(Tensor input)
    {
        if (input.ndim != 4 || input.shape[1] != num_features)
            throw new ArgumentException($"BatchNorm2d over {num_features} channels was given the shape [{string.Join(", ", input.shape)}]; it takes (B, {num_features}, H, W).", nameof(input));
        if (training)
            using (no_grad()) num_batches_tracked?.add_(1);
        return nn.functional.batch_norm(input, running_mean, running_var, weight, bias, training || !track_running_stats, momentum, eps);
    }
}
