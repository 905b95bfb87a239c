using PatchKit.Models;
using PatchKit.Tests.Torch;
using PatchKit.Training.Loop;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Loop;

/// <summary>An average's life: it outlives scopes, goes into a model, comes back from a checkpoint.</summary>
public sealed class ModelEmaTests
{
    [Fact]
    public void ItOutlivesTheScopeItWasUpdatedIn()
    {
        using var model = nn.Linear(3, 2);
        ModelEma ema;
        using (NewDisposeScope())
        {
            ema = new ModelEma(model, 0.5);
            ema.Update(model);
        }
        Expect.SameBits(model.weight.detach(), ema.State["weight"]);
        ema.Dispose();
    }

    [Fact]
    public void ItGoesIntoAModelAndComesBackFromASave()
    {
        using var scope = NewDisposeScope();
        var model = nn.Linear(3, 2);
        using var ema = new ModelEma(model, 0.5);
        var before = model.weight.detach().clone();
        using (no_grad())
            model.weight.add_(1);
        ema.Update(model);
        var other = nn.Linear(3, 2);
        ema.CopyTo(other);
        Assert.Equal(0.5, (other.weight.detach() - before).mean().item<float>(), 1e-6);

        using var resumed = new ModelEma(nn.Linear(3, 2), 0.5);
        resumed.Load(ema.State);
        Expect.SameBits(ema.State["weight"], resumed.State["weight"]);
    }

    /// <summary>
    /// All at once by libtorch's list operators, or one after the other: the same up to rounding, for a model with
    /// parameters of several shapes.
    /// </summary>
    [Fact]
    public void ItIsTheSimpleForm()
    {
        using var scope = NewDisposeScope();
        using var model = SmallNet.Vit(16, 8, 16).Create();
        using var ema = new ModelEma(model, 0.9);
        var simple = ema.State.ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        for (int step = 0; step < 3; step++)
        {
            using (no_grad())
                foreach (var parameter in model.parameters())
                    parameter.add_(randn_like(parameter));
            ema.Update(model);
            foreach (var (name, value) in model.state_dict())
                simple[name].mul_(0.9).add_(value.detach(), 1 - 0.9);
        }
        foreach (var (name, value) in simple)
            Assert.InRange((value - ema.State[name]).abs().max().ToDouble(), 0, 1e-6);
    }

    [Fact]
    public void WhatIsNotAnAverageIsRefused()
    {
        using var scope = NewDisposeScope();
        var model = nn.Linear(3, 2);
        Expect.Refused<ArgumentException>(() => new ModelEma(model, 1), "decay 1");
        using var ema = new ModelEma(model);
        Expect.Refused<ArgumentException>(() => ema.Load(new Dictionary<string, Tensor>()), "\"weight\"");
    }
}
