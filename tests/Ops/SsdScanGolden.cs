using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>
/// The scan in all its forms, values and gradients, against 01_ssd: the sequential reference of mamba v2.0.4.
/// </summary>
public sealed class SsdScanGolden
{
    private const string File = "01_ssd";

    public static IEnumerable<TheoryDataRow<string>> Cases => GoldenFile.Cases(File);

    [Theory, MemberData(nameof(Cases))]
    public void Sequential(string name) => Compare(name, "sequential");

    [Theory, MemberData(nameof(Cases))]
    public void InChunksOf64(string name) => Compare(name, "chunked 64");

    [Theory, MemberData(nameof(Cases))]
    public void InChunksOf16(string name) => Compare(name, "chunked 16");

    [Theory, MemberData(nameof(Cases))]
    public void Fused(string name) => Compare(name, "fused");

    [Theory, MemberData(nameof(Cases))]
    public void FusedInChunksOf16(string name)
    {
        Assert.SkipUnless(
            TestDevice.Current.type == DeviceType.CPU,
            "GPUs have no fused scan in float64, and chunks of 64 alone."
        );
        Compare(name, "fused 16");
    }

    private static void Compare(string name, string form)
    {
        var golden = GoldenFile.Open(File);
        double exact = golden.Tolerance("tolerance_float64");
        Compare(golden, name, form, ScalarType.Float64, exact, _ => exact);

        // A, dt_bias and D are summed over the sequence: the sidecar allows a long one more.
        bool summed(string input) =>
            input is "A" or "dt_bias" or "D" && golden.Case(name).GetProperty("l").GetInt32() >= 1000;
        Compare(
            golden,
            name,
            form,
            ScalarType.Float32,
            golden.Tolerance(),
            input => golden.Tolerance(which: summed(input) ? 2 : 1)
        );
    }

    private static void Compare(
        GoldenFile golden,
        string name,
        string form,
        ScalarType dtype,
        double tolerance,
        Func<string, double> gradientTolerance
    )
    {
        using var scope = NewDisposeScope();
        Tensor? In(string input) =>
            golden.Has($"{name}.in.{input}") ? golden.Tensor($"{name}.in.{input}", dtype).requires_grad_() : null;
        var inputs = new Dictionary<string, Tensor?>(
            new[] { "x", "dt", "A", "B", "C", "D", "z", "dt_bias", "initial_state" }.Select(input =>
                KeyValuePair.Create(input, In(input))
            )
        );
        bool softplus = golden.Case(name).GetProperty("dt_softplus").GetBoolean();

        var (y, finalState) = ScanInputs.Forms[form](
            new(
                inputs["x"]!,
                inputs["dt"]!,
                inputs["A"]!,
                inputs["B"]!,
                inputs["C"]!,
                inputs["D"],
                inputs["z"],
                inputs["dt_bias"],
                softplus,
                inputs["initial_state"]
            )
        );
        var loss = (y * golden.Tensor($"{name}.in.w", dtype)).sum();
        if (golden.Has($"{name}.in.w_final"))
            loss += (finalState * golden.Tensor($"{name}.in.w_final", dtype)).sum();
        loss.backward();

        golden.AssertClose($"{name}.out.y", y, tolerance);
        golden.AssertClose($"{name}.out.final_state", finalState, tolerance);
        foreach (string input in golden.Parts($"{name}.grad"))
            golden.AssertClose($"{name}.grad.{input}", inputs[input]!.grad!, gradientTolerance(input));
    }
}
