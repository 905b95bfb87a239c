using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>
/// libtorch's post-accumulate-gradient hook, made by hand: when it is called, and that nothing is left of it.
/// </summary>
public sealed class GradientHookTests
{
    [Fact]
    public void TheyWorkHere() => Assert.True(GradientHook.Works);

    /// <summary>
    /// Once for each backward pass that reaches a parameter, however often its forward pass used it, with the gradient
    /// in place.
    /// </summary>
    [Fact, Trait("speed", "seconds")]
    public void ItIsCalledWhenTheGradientIsWhole()
    {
        using var scope = NewDisposeScope();
        Tensor used = ones([2], requires_grad: true),
            unused = ones([2], requires_grad: true);
        List<double> seen = [];
        using var hook = new GradientHook(used, () => seen.Add(used.grad!.sum().item<float>()));
        using var other = new GradientHook(unused, () => seen.Add(double.NaN));
        for (int pass = 0; pass < 3; pass++)
            (used * 2 + used * 3).sum().backward();
        Assert.Equal([10, 20, 30], seen);
    }

    /// <summary>
    /// Before the backward pass goes on to what came earlier in the forward pass: gradients can go out while others are
    /// computed.
    /// </summary>
    [Fact]
    public void ItIsCalledWhileOthersAreStillToCome()
    {
        using var scope = NewDisposeScope();
        Tensor[] weights = [.. Enumerable.Range(0, 5).Select(_ => ones([2], requires_grad: true))];
        List<string> seen = [];
        GradientHook[] hooks =
        [
            .. weights.Select(
                (_, i) =>
                    new GradientHook(
                        weights[i],
                        () => seen.Add($"{i} of {weights.Count(weight => weight.grad is not null)}")
                    )
            ),
        ];
        var x = ones([2]);
        foreach (var weight in weights)
            x = (x * weight).sin();
        x.sum().backward();
        Assert.Equal(["4 of 1", "3 of 2", "2 of 3", "1 of 4", "0 of 5"], seen);
        foreach (var hook in hooks)
            hook.Dispose();
    }

    /// <summary>Whether the hook or the parameter goes first, what libtorch held of the callback is let go.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public void NothingIsLeftOfIt(bool hookFirst)
    {
        var callback = Hooked(hookFirst);
        for (int i = 0; i < 10 && callback.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.False(callback.IsAlive);
    }

    private static WeakReference Hooked(bool hookFirst)
    {
        var parameter = ones([2], requires_grad: true);
        var calls = new List<int>();
        var hook = new GradientHook(parameter, () => calls.Add(1));
        (parameter * 2).sum().backward();
        Assert.Single(calls);
        if (hookFirst)
            hook.Dispose();
        parameter.Dispose();
        return new WeakReference(calls);
    }
}
