using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch.Mends;

/// <summary>
/// A small MLP trained as a learner does who knows of no scope: temporaries everywhere, all of them left to the garbage
/// collector.
/// </summary>
internal static class UnscopedTraining
{
    /// <summary>The loss of each step; the same seed gives the same bits.</summary>
    internal static float[] Losses(int steps)
    {
        manual_seed(0);
        var model = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 4));
        var optimizer = optim.AdamW(model.parameters(), lr: 1e-3);
        var (x, y) = (randn([64, 16]), randint(0, 4, [64])); // (B, I), (B)
        var losses = new float[steps];
        for (int step = 0; step < steps; step++)
        {
            optimizer.zero_grad();
            var loss = nn.functional.cross_entropy((model.call(x) * 0.5 + 1) - 1, y);
            loss.backward();
            nn.utils.clip_grad_norm_(model.parameters(), 1.0);
            optimizer.step();
            losses[step] = (loss * 1).item<float>();
        }
        return losses;
    }

    /// <summary>The same steps where each has a scope.</summary>
    internal static void Scoped(int steps, Action<int> after)
    {
        using var all = NewDisposeScope();
        manual_seed(0);
        var model = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 4));
        var optimizer = optim.AdamW(model.parameters(), lr: 1e-3);
        var (x, y) = (randn([64, 16]), randint(0, 4, [64])); // (B, I), (B)
        for (int step = 1; step <= steps; step++)
        {
            using (NewDisposeScope())
            {
                optimizer.zero_grad();
                nn.functional.cross_entropy(model.call(x) * 0.5 + 1, y).backward();
                optimizer.step();
            }
            after(step);
        }
    }
}
