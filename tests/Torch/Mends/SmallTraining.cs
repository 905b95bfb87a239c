using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch.Mends;

/// <summary>A small MLP in float32 that learns a linear rule with AdamW; the same seed gives the same losses.</summary>
internal static class SmallTraining
{
    /// <summary>The loss of each step. Without scopes, what a step makes is left to the garbage collector.</summary>
    internal static IEnumerable<float> Losses(int steps, bool scoped, long seed = 0)
    {
        manual_seed(seed).Dispose();
        using var network = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 4));
        using var optimizer = optim.AdamW(network.parameters(), lr: 0.01);
        using var x = randn([64, 16]).DetachFromDisposeScope(); // (B, I)
        using var rule = randn([16, 4]).DetachFromDisposeScope(); // (I, classes)
        using var scores = x.matmul(rule).DetachFromDisposeScope(); // (B, classes)
        using var y = scores.argmax(1).DetachFromDisposeScope(); // (B)
        for (int step = 0; step < steps; step++)
            yield return scoped ? ScopedStep(network, optimizer, x, y) : Step(network, optimizer, x, y);
    }

    private static float ScopedStep(Sequential network, optim.Optimizer optimizer, Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        return Step(network, optimizer, x, y);
    }

    private static float Step(Sequential network, optim.Optimizer optimizer, Tensor x, Tensor y)
    {
        var loss = nn.functional.cross_entropy(network.forward(x), y);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        return loss.item<float>();
    }
}
