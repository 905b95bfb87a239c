using PatchKit.Models;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models;

/// <summary>VisionTransformer against 05_vit: timm 0.4.12's in float64, in evaluation mode.</summary>
public sealed class VitGolden
{
    private const string File = "05_vit";

    public static IEnumerable<TheoryDataRow<string>> Cases => GoldenFile.Cases(File);

    [Theory, MemberData(nameof(Cases))]
    public void Float32(string name)
    {
        using var model = Model(name);
        ModelGolden.CompareFloat32(ModelGolden.Open(File, name), model);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Float64(string name)
    {
        using var model = Model(name);
        ModelGolden.CompareFloat64(ModelGolden.Open(File, name), model);
    }

    private static VisionTransformer Model(string name)
    {
        var settings = GoldenFile.Open(File).Case(name);
        var kwargs = settings.GetProperty("kwargs");
        var config = ModelGolden.Configure(kwargs, new VisionTransformerConfig());
        return new VisionTransformer(
            config with
            {
                Heads = kwargs.GetProperty("num_heads").GetInt32(),
                MlpRatio = settings.GetProperty("mlp_ratio").GetDouble(),
            }
        );
    }
}
