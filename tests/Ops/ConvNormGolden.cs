using System.Text.Json;
using PatchKit.Ops;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>
/// The causal convolution and the norms, composed and fused, values and gradients, against 02_conv_norm.
/// </summary>
public sealed class ConvNormGolden
{
    private const string File = "02_conv_norm";

    public static IEnumerable<TheoryDataRow<string>> Cases => GoldenFile.Cases(File);

    [Theory, MemberData(nameof(Cases))]
    public void Composed(string name) => Compare(name, fused: false);

    [Theory, MemberData(nameof(Cases))]
    public void Fused(string name) => Compare(name, fused: true);

    private static void Compare(string name, bool fused)
    {
        var golden = GoldenFile.Open(File);
        Compare(golden, name, fused, ScalarType.Float64, golden.Tolerance("tolerance_float64"));
        Compare(golden, name, fused, ScalarType.Float32, golden.Tolerance());
    }

    private static void Compare(GoldenFile golden, string name, bool fused, ScalarType dtype, double tolerance)
    {
        using var scope = NewDisposeScope();
        var inputs = golden
            .Parts($"{name}.in")
            .ToDictionary(input => input, input => golden.Tensor($"{name}.in.{input}", dtype).requires_grad_());
        var y = golden.Case(name).GetProperty("op").GetString() switch
        {
            "causal_depthwise_conv1d" => Convolution(golden.Case(name), inputs, fused),
            "gated_rmsnorm" or "rmsnorm" => Norm(golden.Case(name), inputs, fused),
            var other => throw new NotSupportedException(
                $"{File} has the operator \"{other}\", which this test does not know."
            ),
        };
        (y * inputs["w"]).sum().backward();

        golden.AssertClose($"{name}.out.y", y, tolerance);
        foreach (string input in golden.Parts($"{name}.grad"))
            golden.AssertClose($"{name}.grad.{input}", inputs[input].grad!, tolerance);
    }

    // The reference has channels before the sequence, (b, c, l); ours are (b, l, d).
    private static Tensor Convolution(JsonElement settings, Dictionary<string, Tensor> inputs, bool fused)
    {
        bool silu = settings.GetProperty("activation").ValueKind == JsonValueKind.String;
        var (x, initial) = (inputs["x"].transpose(1, 2), inputs.GetValueOrDefault("initial_states")?.transpose(1, 2));
        var (weight, bias) = (inputs["weight"], inputs.GetValueOrDefault("bias"));
        return (
            fused ? CausalConv.Run(x, weight, bias, silu, initial) : CausalConv.Composed(x, weight, bias, silu, initial)
        ).transpose(1, 2);
    }

    private static Tensor Norm(JsonElement settings, Dictionary<string, Tensor> inputs, bool fused)
    {
        var (x, weight, z) = (inputs["x"], inputs["weight"], inputs.GetValueOrDefault("z"));
        double eps = settings.GetProperty("eps").GetDouble();
        long groupSize =
            settings.TryGetProperty("group_size", out var size) && size.ValueKind == JsonValueKind.Number
                ? size.GetInt64()
                : 0;
        bool normBeforeGate = settings.TryGetProperty("norm_before_gate", out var order) && order.GetBoolean();
        return fused
            ? RmsNorm.Run(x, weight, z, eps, groupSize, normBeforeGate)
            : RmsNorm.Composed(x, weight, z, eps, groupSize, normBeforeGate);
    }
}
