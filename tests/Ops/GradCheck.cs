using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>
/// Gradients against central differences in float64, as torch.autograd.gradcheck has them, of a random weighting of the
/// outputs.
/// </summary>
internal static class GradCheck
{
    private const double Step = 1e-6,
        Absolute = 1e-5,
        Relative = 1e-3;

    /// <summary>Fails where an input's gradient is not the difference quotient.</summary>
    /// <param name="outputs">Computes from the inputs, which it captures; it is called twice for each number in
    /// them.</param>
    /// <param name="inputs">Contiguous float64 leaves; nulls are passed over.</param>
    internal static void Passes(Func<Tensor[]> outputs, params Tensor?[] inputs)
    {
        using var scope = NewDisposeScope();
        Tensor[] leaves = [.. inputs.OfType<Tensor>()];
        foreach (var leaf in leaves)
            leaf.requires_grad_();
        Tensor[] weights = [.. outputs().Select(output => randn_like(output.detach()))];
        Tensor Loss() => outputs().Zip(weights, (output, weight) => (output * weight).sum()).Aggregate((a, b) => a + b);

        var gradients = autograd.grad([Loss()], leaves);
        foreach (var (leaf, gradient) in leaves.Zip(gradients))
        {
            // ToArray throws on an empty tensor of 2 or more dimensions
            double[] exact = gradient.cpu().flatten().data<double>().ToArray();
            for (int i = 0; i < exact.Length; i++)
            {
                double measured = Quotient(Loss, leaf, i);
                Assert.True(
                    Math.Abs(exact[i] - measured) <= Absolute + Relative * Math.Abs(measured),
                    $"input {Array.IndexOf(inputs, leaf)} of shape [{string.Join(", ", leaf.shape)}], "
                        + $"element {i}: the gradient is {exact[i]:G6}, the difference quotient {measured:G6}."
                );
            }
        }
    }

    private static double Quotient(Func<Tensor> loss, Tensor leaf, int i)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var element = leaf.view(-1)[i];
        double kept = element.item<double>(),
            up = At(kept + Step),
            down = At(kept - Step);
        element.fill_(kept);
        return (up - down) / (2 * Step);

        double At(double value)
        {
            element.fill_(value);
            return loss().item<double>();
        }
    }
}
