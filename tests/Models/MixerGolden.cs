using PatchKit.Models;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models;

/// <summary>
/// The whole Mamba-2 mixer, output and gradients, against 03_mixer; with two groups the norm still spans the full inner
/// width.
/// </summary>
public sealed class MixerGolden
{
    private const string File = "03_mixer";

    public static IEnumerable<TheoryDataRow<string>> Cases => GoldenFile.Cases(File);

    [Theory, MemberData(nameof(Cases))]
    public void Float32(string name) =>
        Compare(name, ScalarType.Float32, GoldenFile.Open(File).Tolerance(), GoldenFile.Open(File).Tolerance(which: 1));

    [Theory, MemberData(nameof(Cases))]
    public void Float64(string name) => Compare(name, ScalarType.Float64, 1e-12, 1e-12);

    private static void Compare(string name, ScalarType dtype, double tolerance, double gradientTolerance)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File);
        var settings = golden.Case(name).GetProperty("config");
        int Width(string key, int otherwise) =>
            settings.TryGetProperty(key, out var value) ? value.GetInt32() : otherwise;
        var config = new AdventurerConfig();
        using var mixer = new Mamba2Mixer(
            config with
            {
                EmbedDim = Width("d_model", config.EmbedDim),
                StateDim = Width("d_state", config.StateDim),
                HeadDim = Width("headdim", config.HeadDim),
                Groups = Width("ngroups", config.Groups),
                Expand = Width("expand", config.Expand),
                ConvWidth = Width("d_conv", config.ConvWidth),
            }
        )
            .to(dtype)
            .to(TestDevice.Current);
        golden.LoadInto(mixer, $"{name}.param");

        var u = golden.Tensor($"{name}.in.u", dtype).requires_grad_();
        var y = mixer.call(u);
        (y * golden.Tensor($"{name}.in.w", dtype)).sum().backward();

        golden.AssertClose($"{name}.out.y", y, tolerance);
        golden.AssertClose($"{name}.grad.u", u.grad!, gradientTolerance);
        golden.AssertGradients(mixer, $"{name}.grad", gradientTolerance, except: "u");
    }
}
