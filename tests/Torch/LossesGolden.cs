using System.Globalization;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace PatchKit.Tests.Torch;

/// <summary>
/// Cross entropy with classes, smoothed classes and probabilities, and binary cross entropy: values and gradients
/// against 08_losses.
/// </summary>
public sealed class LossesGolden
{
    private const string File = "08_losses";

    // Every loss of the file that has a gradient; distillation is a loss of Training.
    public static IEnumerable<TheoryDataRow<string>> Cases =>
        GoldenFile.Cases(
            File,
            file => file.Names.Where(name => name.EndsWith(".grad")).Select(name => name[..^".grad".Length])
        );

    [Theory, MemberData(nameof(Cases))]
    public void Float32(string name) => Compare(name, ScalarType.Float32, GoldenFile.Open(File).Tolerance());

    [Theory, MemberData(nameof(Cases))]
    public void Float64(string name) => Compare(name, ScalarType.Float64, 1e-12);

    private static void Compare(string name, ScalarType dtype, double tolerance)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File);
        var logits = golden.Tensor("in.logits", dtype).requires_grad_();
        var loss = Loss(golden, name, logits, dtype);
        loss.backward();
        golden.AssertClose(name + ".loss", loss, tolerance);
        golden.AssertClose(name + ".grad", logits.grad!, tolerance);
    }

    private static Tensor Loss(GoldenFile golden, string name, Tensor logits, ScalarType dtype)
    {
        const string smoothing = "label_smoothing_";
        if (name == "ce")
            return functional.cross_entropy(logits, golden.Tensor("in.target"));
        if (name.StartsWith(smoothing))
            return functional.cross_entropy(
                logits,
                golden.Tensor("in.target"),
                label_smoothing: double.Parse(name[smoothing.Length..], CultureInfo.InvariantCulture)
            );
        if (name.EndsWith(".soft_ce"))
            return functional.cross_entropy(logits, golden.Tensor(name.Replace(".soft_ce", ".target"), dtype));
        if (name.EndsWith(".bce"))
            return functional.binary_cross_entropy_with_logits(
                logits,
                golden.Tensor(name.Replace(".bce", ".bce_target"), dtype)
            );
        throw new NotSupportedException($"{File} has the loss \"{name}\", which this test does not know.");
    }
}
