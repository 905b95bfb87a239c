using PatchKit.Tests.Torch;
using PatchKit.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training;

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
        using (no_grad()) model.weight.add_(1);
        ema.Update(model);
        var other = nn.Linear(3, 2);
        ema.CopyTo(other);
        Assert.Equal(0.5, (other.weight.detach() - before).mean().item<float>(), 1e-6);

        using var resumed = new ModelEma(nn.Linear(3, 2), 0.5);
        resumed.Load(ema.State);
        Expect.SameBits(ema.State["weight"], resumed.State["weight"]);
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
