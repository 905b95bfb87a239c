using System.Globalization;
using PatchKit.Tests.Golden;
using PatchKit.Training.Tasks;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Tasks;

/// <summary>
/// The training losses, values and gradients, against 08_losses; distillation (kd.) is no part of the kit.
/// </summary>
public sealed class ClassificationLossGolden
{
    private const string File = "08_losses";

    public static IEnumerable<TheoryDataRow<string>> LossCases =>
        GoldenFile.Cases(
            File,
            file =>
                file.Names.Where(name => name.EndsWith(".loss") && name != "ce.loss" && !name.StartsWith("kd."))
                    .Select(name => name[..^".loss".Length])
        );

    [Theory, MemberData(nameof(LossCases))]
    public void LossFloat32(string name) => Compare(name, ScalarType.Float32, GoldenFile.Open(File).Tolerance());

    [Theory, MemberData(nameof(LossCases))]
    public void LossFloat64(string name) => Compare(name, ScalarType.Float64, 1e-12);

    private static void Compare(string name, ScalarType dtype, double tolerance)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File);
        var logits = golden.Tensor("in.logits", dtype).requires_grad_();
        var loss = Loss(golden, name, logits, dtype);
        golden.AssertClose(name + ".loss", loss, tolerance);
        if (!golden.Has(name + ".grad"))
            return;
        loss.backward();
        golden.AssertClose(name + ".grad", logits.grad!, tolerance);
    }

    private static Tensor Loss(GoldenFile golden, string name, Tensor logits, ScalarType dtype)
    {
        const string smoothing = "label_smoothing_";
        var classes = golden.Tensor("in.target");
        if (name.StartsWith(smoothing))
            return ClassificationLoss.LabelSmoothing(
                logits,
                classes,
                double.Parse(name[smoothing.Length..], CultureInfo.InvariantCulture)
            );
        if (name.EndsWith(".soft_ce"))
            return ClassificationLoss.SoftTarget(logits, golden.Tensor(name.Replace(".soft_ce", ".target"), dtype));
        if (name.EndsWith(".bce"))
            return ClassificationLoss.Binary(logits, golden.Tensor(name.Replace(".bce", ".target"), dtype));
        throw new NotSupportedException($"{File} has the loss \"{name}\", which this test does not know.");
    }
}
