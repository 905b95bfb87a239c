using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>
/// A two-layer network in float64 on a fixed task, without random numbers: its losses are the same on every libtorch,
/// to rounding. `patchkit doctor` trains it.
/// </summary>
internal static class SmallNetwork
{
    internal static IReadOnlyList<double> Train(int steps, double learningRate = 1.0)
    {
        using var scope = NewDisposeScope();
        var x = Waves(64, 8, 0.7); // (B, I)
        var y = x.matmul(Waves(8, 4, 1.3)).argmax(1); // (B): a linear rule to find
        Tensor w1 = Weight(8, 16),
            b1 = Bias(16),
            w2 = Weight(16, 4),
            b2 = Bias(4);
        var losses = new List<double>();
        for (int step = 0; step < steps; step++)
        {
            using var inner = NewDisposeScope();
            var hidden = nn.functional.gelu(x.matmul(w1) + b1); // (B, H)
            var loss = nn.functional.cross_entropy(hidden.matmul(w2) + b2, y);
            loss.backward();
            using (no_grad())
            {
                foreach (var parameter in new[] { w1, b1, w2, b2 })
                {
                    parameter.sub_(parameter.grad! * learningRate);
                    parameter.grad!.zero_();
                }
            }
            losses.Add(loss.item<double>());
        }
        return losses;
    }

    private static Tensor Waves(long rows, long columns, double frequency) =>
        arange(rows * columns, dtype: float64).mul(frequency).sin().reshape(rows, columns);

    private static Tensor Weight(long rows, long columns) =>
        (Waves(rows, columns, 2.1) / Math.Sqrt(rows)).requires_grad_();

    private static Tensor Bias(long columns) => zeros([columns], float64, requires_grad: true);
}
