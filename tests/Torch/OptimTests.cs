using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>Optimizers: groups, learning rates, state, and what they refuse.</summary>
public sealed class OptimTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public OptimTests() => manual_seed(0);

    public void Dispose() => _scope.Dispose();

    private static Parameter Weight(params long[] shape) => new(randn(shape, ScalarType.Float64));

    private static double Loss(Parameter w, optim.Optimizer optimizer)
    {
        optimizer.zero_grad();
        var loss = (w * w).sum();
        loss.backward();
        optimizer.step();
        return loss.item<double>();
    }

    [Theory, InlineData(0.0, false), InlineData(0.9, false), InlineData(0.9, true)]
    public void SgdGoesDownhill(double momentum, bool nesterov)
    {
        var w = Weight(3, 4);
        using var optimizer = optim.SGD([w], 0.02, momentum, nesterov: nesterov);
        double first = Loss(w, optimizer), last = 0;
        for (int i = 0; i < 100; i++) last = Loss(w, optimizer);
        Assert.True(last < 0.05 * first, $"the loss went from {first} to {last}");
    }

    [Fact]
    public void SgdFollowsItsFormula()
    {
        var w = new Parameter(tensor([1.0, -2.0]));
        using var optimizer = optim.SGD([w], 0.1, momentum: 0.5, dampening: 0.25, weight_decay: 0.01);
        double p = 1.0, b = 0;
        for (int step = 0; step < 3; step++)
        {
            w.grad = tensor([0.5 + step, 1.0]);
            optimizer.step();
            double g = 0.5 + step + 0.01 * p;
            b = step == 0 ? g : 0.5 * b + 0.75 * g;
            p -= 0.1 * b;
            Assert.Equal(p, w.detach()[0].item<double>(), 12);
        }
    }

    [Fact]
    public void AdamWTakesGroupOptionsBeforeItsOwn()
    {
        Parameter a = Weight(2), b = Weight(2);
        using var optimizer = optim.AdamW([new AdamW.ParamGroup { Parameters = [a], Options = new AdamW.Options { LearningRate = 0.5 } }, new AdamW.ParamGroup { Parameters = [b] }], lr: 0.25, weight_decay: 0.1);
        Assert.Equal([0.5, 0.25], optimizer.ParamGroups.Select(group => group.LearningRate));
        Assert.Equal([0.5, 0.25], optimizer.ParamGroups.Select(group => group.InitialLearningRate));
        Assert.All(optimizer.state_dict().Options, options => Assert.Equal(0.1, ((AdamW.Options)options).weight_decay));
        Assert.Equal([a, b], optimizer.parameters());
    }

    [Fact]
    public void AdamWWithRateZeroLeavesTheGroupAlone()
    {
        Parameter a = Weight(2), b = Weight(2);
        double[] before = a.data<double>().ToArray(), other = b.data<double>().ToArray();
        using var optimizer = optim.AdamW([new AdamW.ParamGroup { Parameters = [a] }, new AdamW.ParamGroup { Parameters = [b] }], lr: 0.1, weight_decay: 0.1);
        optimizer.ParamGroups.First().LearningRate = 0;
        (a.grad, b.grad) = (ones_like(a), ones_like(b));
        optimizer.step();
        Assert.Equal(before, a.data<double>().ToArray());
        Assert.NotEqual(other, b.data<double>().ToArray());
    }

    [Fact]
    public void AdamWPassesOverParametersWithoutGradient()
    {
        Parameter a = Weight(2), b = Weight(2);
        using var optimizer = optim.AdamW([a, b], weight_decay: 0.5);
        double[] before = a.data<double>().ToArray();
        b.grad = ones_like(b);
        optimizer.step();
        Assert.Equal(before, a.data<double>().ToArray());
        Assert.Equal([0L, 1L], optimizer.state_dict().State.Select(state => ((AdamW.State)state).step));
    }

    [Fact]
    public void ResumedAdamWGoesOnAsIfNeverStopped()
    {
        var w = Weight(4, 3);
        using var optimizer = optim.AdamW([w], lr: 0.05, weight_decay: 0.1);
        for (int i = 0; i < 3; i++) Loss(w, optimizer);

        var copy = new Parameter(w.detach().clone());
        using var resumed = optim.AdamW([copy]);
        resumed.load_state_dict(optimizer.state_dict());
        for (int i = 0; i < 3; i++) Assert.Equal(Loss(w, optimizer), Loss(copy, resumed));
        Assert.Equal(w.data<double>().ToArray(), copy.data<double>().ToArray());
    }

    [Fact]
    public void ResumedSgdGoesOnAsIfNeverStopped()
    {
        var w = Weight(4, 3);
        using var optimizer = optim.SGD([w], 0.05, momentum: 0.9);
        for (int i = 0; i < 3; i++) Loss(w, optimizer);

        var copy = new Parameter(w.detach().clone());
        using var resumed = optim.SGD([copy], 1.0);
        resumed.load_state_dict(optimizer.state_dict());
        for (int i = 0; i < 3; i++) Assert.Equal(Loss(w, optimizer), Loss(copy, resumed));
    }

    [Fact]
    public void StateOfAnotherSizeIsRefused()
    {
        using var one = optim.AdamW([Weight(2)]);
        using var two = optim.AdamW([Weight(2), Weight(2)]);
        var error = Assert.Throws<ArgumentException>(() => one.load_state_dict(two.state_dict()));
        Assert.Contains("1 groups of 1 parameters, the state 1 of 2", error.Message);
    }

    [Fact]
    public void AParameterInTwoGroupsIsRefused()
    {
        var w = Weight(2, 5);
        var error = Assert.Throws<ArgumentException>(() => optim.AdamW([w, w]));
        Assert.Contains("[2, 5]", error.Message);
    }

    [Fact]
    public void ValuesOutOfRangeAreRefusedBySentence()
    {
        Assert.Contains("-0.1", Assert.Throws<ArgumentException>(() => optim.AdamW([Weight(1)], lr: -0.1)).Message);
        Assert.Contains("0.9 and 1", Assert.Throws<ArgumentException>(() => optim.AdamW([Weight(1)], beta2: 1)).Message);
        Assert.Contains("dampening 0.5", Assert.Throws<ArgumentException>(() => optim.SGD([Weight(1)], 0.1, momentum: 0.9, dampening: 0.5, nesterov: true)).Message);
    }

    [Fact]
    public void StepLeavesNoTensorsBehind()
    {
        var w = Weight(8, 8);
        using var optimizer = optim.AdamW([w]);
        w.grad = ones_like(w);
        optimizer.step();
        int before = _scope.DisposablesCount;
        for (int i = 0; i < 5; i++) optimizer.step();
        Assert.Equal(before, _scope.DisposablesCount);
    }

    [Fact]
    public void ClippingKeepsSmallGradientsAndScalesLargeOnes()
    {
        Parameter a = Weight(3), b = Weight(2);
        (a.grad, b.grad) = (tensor([3.0, 0, 0]), tensor([0, 4.0]));
        Assert.Equal(5, nn.utils.clip_grad_norm_([a, b], 10), 12);
        Assert.Equal([3.0, 0, 0], a.grad!.data<double>().ToArray());
        Assert.Equal(5, nn.utils.clip_grad_norm_([a, b], 1), 12);
        Assert.Equal(3 / (5 + 1e-6), a.grad!.data<double>().ToArray()[0], 12);
        nn.utils.clip_grad_value_([a, b], 0.25);
        Assert.Equal(0.25, b.grad!.data<double>().ToArray()[1]);
        Assert.Equal(0, nn.utils.clip_grad_norm_([Weight(2)], 1));
        Assert.Equal([5L], nn.utils.parameters_to_vector([a, b]).shape);
    }
}
