using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace PatchKit.Tests.Torch;

/// <summary>Functions: shapes, identities that tie one to another, gradients by finite differences, and what they refuse.</summary>
public sealed class FunctionalTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public FunctionalTests() => manual_seed(0);

    public void Dispose() => _scope.Dispose();

    private static Tensor Random(params long[] shape) => randn(shape, ScalarType.Float64);

    private static void Same(Tensor expected, Tensor actual, double tolerance = 1e-12)
    {
        Assert.Equal(expected.shape, actual.shape);
        double error = GoldenFile.Error(actual, expected);
        Assert.True(error <= tolerance, $"off by {error:G3}");
    }

    [Fact]
    public void ConvolutionWithoutOverlapIsALinearMapOfPatches()
    {
        Tensor image = Random(2, 3, 8, 8), weight = Random(5, 3, 4, 4), bias = Random(5);
        var patches = image.reshape([2, 3, 2, 4, 2, 4]).permute(0, 2, 4, 1, 3, 5).reshape([2, 4, 48]); // (B, 2 x 2, 3 x 4 x 4)
        var expected = functional.linear(patches, weight.reshape([5, 48]), bias);                     // (B, 4, 5)
        Same(expected, functional.conv2d(image, weight, bias, strides: [4]).flatten(2).transpose(1, 2));
        Same(expected, functional.conv2d(image, weight, bias, strides: [4, 4], padding: [0, 0], dilation: [1, 1], groups: 1).flatten(2).transpose(1, 2));
    }

    [Fact]
    public void DepthwiseCausalConvolutionSeesOnlyThePast()
    {
        Tensor x = Random(1, 4, 10), weight = Random(4, 1, 4);
        var y = functional.conv1d(x, weight, null, padding: 3, groups: 4).narrow(2, 0, 10);
        var later = cat([x.narrow(2, 0, 6), Random(1, 4, 4)], 2);
        Same(y.narrow(2, 0, 6), functional.conv1d(functional.pad(later, (3, 0)), weight, null, groups: 4).narrow(2, 0, 6));
    }

    [Fact]
    public void TransposedConvolutionIsTheConvolutionsAdjoint()
    {
        Tensor weight = Random(3, 2, 4, 4), small = Random(1, 3, 5, 5);
        var large = functional.conv_transpose2d(small, weight, null, strides: [2], padding: [1]);
        Assert.Equal([1L, 2, 10, 10], large.shape);
        var probe = Random(1, 2, 10, 10);
        Same((large * probe).sum(), (small * functional.conv2d(probe, weight, null, strides: [2], padding: [1])).sum());
    }

    [Fact]
    public void ActivationsFollowTheirFormulas()
    {
        var x = Random(64) * 3;
        Same(x * functional.sigmoid(x), functional.silu(x));
        Same((1 + x.exp()).log(), functional.softplus(x));
        Same((1 + (2 * x).exp()).log() / 2, functional.softplus(x, beta: 2));
        Same(x * (1 + (x / Math.Sqrt(2)).erf()) / 2, functional.gelu(x));
        Same(x * (1 + (Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x.pow(3))).tanh()) / 2, functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh));
        Same(functional.softmax(x, 0).log(), functional.log_softmax(x, 0), 1e-10);
        var copy = x.clone();
        using (var rectified = functional.relu(copy, inplace: true)) Same(functional.relu(x), rectified);
        Same(functional.relu(x), copy);
    }

    [Fact]
    public void DropoutKeepsTheMeanAndRestsInEvaluation()
    {
        var x = ones([100_000], ScalarType.Float64);
        var y = functional.dropout(x, 0.25, training: true);
        Assert.Equal(1, y.mean().item<double>(), 0.02);
        Assert.Equal(0.25, 1 - (y * 0.75).mean().item<double>(), 0.01);
        Same(x, functional.dropout(x, 0.25, training: false));
    }

    [Fact]
    public void NormsFollowTheirFormulas()
    {
        Tensor x = Random(3, 6, 5, 5), scale = Random(6), shift = Random(6);
        static Tensor Standard(Tensor t, long[] dims)
        {
            var centred = t - t.mean(dims, keepdim: true);
            return centred / (centred.pow(2).mean(dims, keepdim: true) + 1e-5).sqrt();
        }

        var rows = Random(4, 6);
        Same(Standard(rows, [1]) * scale + shift, functional.layer_norm(rows, [6], scale, shift));
        var grouped = Standard(x.reshape([3, 2, 75]), [2]).reshape([3, 6, 5, 5]);
        Same(grouped * scale.reshape([1, 6, 1, 1]) + shift.reshape([1, 6, 1, 1]), functional.group_norm(x, 2, scale, shift));
        Same(Standard(x, [0, 2, 3]) * scale.reshape([1, 6, 1, 1]) + shift.reshape([1, 6, 1, 1]), functional.batch_norm(x, null, null, scale, shift, training: true));
        Same(ones([4], ScalarType.Float64), functional.normalize(rows).pow(2).sum(1));
        var error = Assert.Throws<ArgumentException>(() => functional.batch_norm(Random(1, 6, 1, 1), null, null, training: true));
        Assert.Contains("[1, 6, 1, 1]", error.Message);
    }

    [Fact]
    public void PoolingFollowsItsFormula()
    {
        var x = Random(2, 3, 8, 8);
        var windows = x.reshape([2, 3, 4, 2, 4, 2]);
        Same(windows.amax([3, 5]), functional.max_pool2d(x, 2));
        Same(windows.mean([3, 5]), functional.avg_pool2d(x, 2));
        Same(windows.mean([3, 5]), functional.avg_pool2d(x, [2, 2]));
        Same(windows.mean([3, 5]), functional.adaptive_avg_pool2d(x, 4));
        Assert.Equal([2L, 3, 3, 5], functional.adaptive_avg_pool2d(x, [3, 5]).shape);
        Assert.Equal([2L, 3, 4, 4], functional.max_pool2d(x, 3, stride: 2, padding: 1).shape);
    }

    [Fact]
    public void PaddingCopiesWhatItsModeSays()
    {
        var x = tensor([1.0, 2, 3], [1, 1, 3]);
        double[] Pad(PaddingModes mode, double value = 0) => functional.pad(x, (2, 1), mode, value).contiguous().data<double>().ToArray();
        Assert.Equal([0.0, 0, 1, 2, 3, 0], Pad(PaddingModes.Zeros));
        Assert.Equal([7.0, 7, 1, 2, 3, 7], Pad(PaddingModes.Constant, 7));
        Assert.Equal([3.0, 2, 1, 2, 3, 2], Pad(PaddingModes.Reflect));
        Assert.Equal([1.0, 1, 1, 2, 3, 3], Pad(PaddingModes.Replicate));
        Assert.Equal([2.0, 3, 1, 2, 3, 1], Pad(PaddingModes.Circular));
        Assert.Equal([1L, 1, 6, 6], functional.pad(ones([1, 1, 3, 4]), (1, 1, 2, 1)).shape);
    }

    [Fact]
    public void InterpolationKeepsConstantsAndSizes()
    {
        var flat = full([1, 2, 6, 8], 3.0, ScalarType.Float64);
        foreach (var mode in new[] { InterpolationMode.Nearest, InterpolationMode.Bilinear, InterpolationMode.Bicubic })
        {
            Same(full([1, 2, 9, 5], 3.0, ScalarType.Float64), functional.interpolate(flat, size: [9, 5], mode: mode));
            Same(full([1, 2, 15, 20], 3.0, ScalarType.Float64), functional.interpolate(flat, scale_factor: [2.5], mode: mode));
            Same(full([1, 2, 3, 4], 3.0, ScalarType.Float64), functional.interpolate(flat, scale_factor: [0.5, 0.5], mode: mode, recompute_scale_factor: true));
            if (mode != InterpolationMode.Nearest)
                Same(full([1, 2, 3, 4], 3.0, ScalarType.Float64), functional.interpolate(flat, size: [3, 4], mode: mode, antialias: true));
        }
        var ramp = arange(0, 5, 1, ScalarType.Float64).reshape([1, 1, 1, 5]).expand(1, 1, 5, 5).contiguous();
        var stretched = functional.interpolate(ramp, size: [5, 9], mode: InterpolationMode.Bilinear, align_corners: true);
        Same(arange(0, 9, 1, ScalarType.Float64) / 2, stretched[0, 0, 0]);
    }

    [Fact]
    public void InterpolationRefusesBySentence()
    {
        var image = ones([1, 1, 4, 4]);
        Assert.Contains("[4, 4]", Assert.Throws<ArgumentException>(() => functional.interpolate(ones([4, 4]), size: [2, 2])).Message);
        Assert.Contains("neither", Assert.Throws<ArgumentException>(() => functional.interpolate(image)).Message);
        Assert.Contains("both", Assert.Throws<ArgumentException>(() => functional.interpolate(image, [2, 2], [0.5])).Message);
        Assert.Contains("align_corners", Assert.Throws<ArgumentException>(() => functional.interpolate(image, [2, 2], align_corners: true)).Message);
    }

    [Fact]
    public void LossesFollowTheirFormulas()
    {
        Tensor logits = Random(5, 7), classes = tensor([0L, 3, 6, -100, 2]);
        var log = functional.log_softmax(logits, 1);
        var counted = tensor([0L, 1, 2, 4]);
        var rows = log.index_select(0, counted);
        var picked = -rows.gather(1, classes.index_select(0, counted).unsqueeze(1)).squeeze(1);
        Same(picked.mean(), functional.cross_entropy(logits, classes));
        Same(picked.sum(), functional.cross_entropy(logits, classes, reduction: Reduction.Sum));
        Same(picked.mean(), functional.nll_loss(rows, classes.index_select(0, counted)));
        Assert.Equal([5L], functional.cross_entropy(logits, classes, reduction: Reduction.None).shape);
        Same(picked.mean() * 0.9 - rows.mean() * 0.1, functional.cross_entropy(logits, classes, label_smoothing: 0.1));

        Tensor weights = rand([7], ScalarType.Float64) + 0.5, w = weights.index_select(0, classes.index_select(0, counted));
        Same((picked * w).sum() / w.sum(), functional.cross_entropy(logits, classes, weights));

        Tensor target = rand([5, 7], ScalarType.Float64), p = functional.sigmoid(logits);
        Same(-(target * p.log() + (1 - target) * (1 - p).log()).mean(), functional.binary_cross_entropy_with_logits(logits, target));
        Same((logits - target).pow(2).mean(), functional.mse_loss(logits, target));
        Same((logits - target).abs().sum(), functional.l1_loss(logits, target, Reduction.Sum));
        var difference = (logits - target).abs();
        Same(where(difference.lt(0.5), difference.pow(2), difference - 0.25).mean(), functional.smooth_l1_loss(logits, target, beta: 0.5));
    }

    [Fact]
    public void LossesRefuseShapesThatWouldBroadcast()
    {
        Tensor column = Random(4, 1), row = Random(4);
        foreach (var loss in new Func<Tensor>[] { () => functional.mse_loss(column, row), () => functional.l1_loss(column, row), () => functional.smooth_l1_loss(column, row), () => functional.binary_cross_entropy_with_logits(column, row) })
            Assert.Contains("[4, 1] and a target of shape [4]", Assert.Throws<ArgumentException>(loss).Message);
    }

    [Fact]
    public void OneHotHasAOneAtEachIndex()
    {
        var hot = functional.one_hot(tensor([2L, 0]), 3);
        Assert.Equal([0L, 0, 1, 1, 0, 0], hot.data<long>().ToArray());
        Assert.Equal([2L, 3], functional.one_hot(tensor([2L, 0])).shape);
    }

    [Fact]
    public void AttentionEqualsItsFormulaWhereTheOperatorExists()
    {
        Tensor q = Random(2, 3, 5, 4), k = Random(2, 3, 6, 4), v = Random(2, 3, 6, 8);
        Tensor attended;
        try
        {
            attended = functional.scaled_dot_product_attention(q, k, v);
        }
        catch (NotSupportedException absent)
        {
            Assert.Contains("scaled_dot_product_attention", absent.Message);
            return;
        }
        Same(functional.softmax(q.matmul(k.transpose(-2, -1)) / 2, -1).matmul(v), attended);
    }

    // conv2d -> layer_norm -> attention-like softmax and matmul -> gelu -> linear -> cross_entropy, in float64.
    private static Tensor Network(IReadOnlyList<Tensor> p)
    {
        var x = functional.conv2d(p[0], p[1], p[2], strides: [2]).flatten(2).transpose(1, 2); // (B, N, D)
        x = functional.layer_norm(x, [6], p[3], p[4]);
        var attention = functional.softmax(x.matmul(x.transpose(1, 2)) / Math.Sqrt(6), -1);    // (B, N, N)
        x = functional.gelu(attention.matmul(x)).mean([1]);                                    // (B, D)
        return functional.cross_entropy(functional.linear(x, p[5], p[6]), tensor([1L, 3]), label_smoothing: 0.1);
    }

    [Fact]
    public void GradientsOfAComposedNetworkAgreeWithFiniteDifferences()
    {
        var parameters = new List<Tensor> { Random(2, 3, 4, 4), Random(6, 3, 2, 2), Random(6), Random(6), Random(6), Random(4, 6), Random(4) };
        foreach (var parameter in parameters) parameter.requires_grad_();
        Network(parameters).backward();

        const double step = 1e-5;
        using var _ = no_grad();
        foreach (var parameter in parameters)
        {
            var flat = parameter.view(-1);
            var gradient = parameter.grad!.contiguous().data<double>().ToArray();
            var numeric = new double[gradient.Length];
            for (int i = 0; i < gradient.Length; i++)
            {
                using var inner = NewDisposeScope();
                flat[i].add_(step);
                double above = Network(parameters).item<double>();
                flat[i].add_(-2 * step);
                double below = Network(parameters).item<double>();
                flat[i].add_(step);
                numeric[i] = (above - below) / (2 * step);
            }
            double worst = gradient.Zip(numeric, (a, b) => Math.Abs(a - b)).Max() / gradient.Max(Math.Abs);
            Assert.True(worst < 1e-7, $"the gradient of [{string.Join(", ", parameter.shape)}] is off by {worst:G3}");
        }
    }
}
