using PatchKit.Checkpoints;
using PatchKit.Models;
using PatchKit.Tests.Checkpoints;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models;

/// <summary>
/// Whole models that PyTorch saved (tests/fixtures/checkpoints/make_models.py), read and run by the library alone: the
/// reference's class scores.
/// </summary>
public sealed class PthGolden
{
    internal static AdventurerConfig Adventurer { get; } =
        new()
        {
            Height = 16,
            Width = 16,
            PatchSize = 4,
            EmbedDim = 32,
            Depth = 4,
            HeadDim = 16,
            StateDim = 16,
            Classes = 10,
        };

    internal static VisionTransformerConfig Vit { get; } =
        new()
        {
            Height = 32,
            Width = 32,
            PatchSize = 4,
            EmbedDim = 48,
            Depth = 3,
            Heads = 3,
            Classes = 10,
        };

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.Float64)]
    public void AdventurersScores(ScalarType dtype) =>
        Compare("models/adventurer.pth", new Adventurer(Adventurer), "04_adventurer", "i16p4", dtype);

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.Float64)]
    public void VitsScores(ScalarType dtype) =>
        Compare("models/vit.pth", new VisionTransformer(Vit), "05_vit", "i32p4", dtype);

    private static void Compare(string file, Backbone created, string sidecar, string name, ScalarType dtype)
    {
        Assert.SkipUnless(GoldenFile.Exists(sidecar), $"{sidecar}.json is not in {GoldenFile.Folder}");
        using var model = created;
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var checkpoint = TorchCheckpoint.Open(Fixtures.PathOf(file));
        Assert.Equal(299L, checkpoint.Value("epoch"));
        ModelCheckpoint.Load(model, checkpoint.StateDict(), source: file).ExpectExact();
        model.to(dtype).to(TestDevice.Current).eval();
        var golden = ModelGolden.Open(sidecar, name);
        golden.AssertClose(
            "out.logits",
            model.call(golden.Tensor("in.image", dtype)),
            dtype == ScalarType.Float64 ? 1e-12 : golden.Tolerance()
        );
    }
}
