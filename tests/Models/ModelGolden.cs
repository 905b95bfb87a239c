using System.Text.Json;
using System.Text.RegularExpressions;
using PatchKit.Models;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models;

/// <summary>
/// A whole model against reference numbers: what goes in and out of its blocks, class scores, features, loss and every
/// gradient.
/// </summary>
internal static class ModelGolden
{
    /// <summary>The tensors of a case lie in a file of their own, which the sidecar names.</summary>
    internal static GoldenFile Open(string sidecar, string name) =>
        GoldenFile.Open(
            sidecar,
            Path.GetFileNameWithoutExtension(GoldenFile.Open(sidecar).Case(name).GetProperty("file").GetString())
        );

    /// <summary>What both families' cases say: sizes, widths and classes.</summary>
    internal static T Configure<T>(JsonElement kwargs, T config)
        where T : BackboneConfig =>
        config with
        {
            Height = kwargs.GetProperty("img_size").GetInt32(),
            Width = kwargs.GetProperty("img_size").GetInt32(),
            PatchSize = kwargs.GetProperty("patch_size").GetInt32(),
            EmbedDim = kwargs.GetProperty("embed_dim").GetInt32(),
            Depth = kwargs.GetProperty("depth").GetInt32(),
            Classes = kwargs.GetProperty("num_classes").GetInt32(),
        };

    internal static void CompareFloat32(GoldenFile golden, Backbone model) =>
        Compare(golden, model, ScalarType.Float32, golden.Tolerance(), golden.Tolerance(which: 1));

    /// <summary>The references of whole models' gradients are stored in float32, which rounds them.</summary>
    internal static void CompareFloat64(GoldenFile golden, Backbone model) =>
        Compare(golden, model, ScalarType.Float64, 1e-12, 1e-6);

    private static void Compare(
        GoldenFile golden,
        Backbone model,
        ScalarType dtype,
        double tolerance,
        double gradientTolerance
    )
    {
        using var scope = NewDisposeScope();
        golden.LoadInto(model, "param");
        model.to(dtype).to(TestDevice.Current).eval();
        var image = golden.Tensor("in.image", dtype);

        var logits = model.call(image);
        var loss = nn.functional.cross_entropy(logits, golden.Tensor("in.target"));
        loss.backward();
        golden.AssertClose("out.logits", logits, tolerance);
        golden.AssertClose("out.loss", loss, tolerance);
        golden.AssertGradients(model, "grad", gradientTolerance);

        using var recording = no_grad();
        if (golden.Has("out.features"))
            golden.AssertClose("out.features", model.Features(image).Cls, tolerance);
        CompareMiddle(golden, model, image, tolerance);
    }

    // Each block is given the reference's own input: the output of the block before, or "in" where that is stored.
    private static void CompareMiddle(GoldenFile golden, Backbone model, Tensor image, double tolerance)
    {
        nn.Module<Tensor, Tensor> Part(string pattern) =>
            (nn.Module<Tensor, Tensor>)model.named_modules().Single(entry => Regex.IsMatch(entry.name, pattern)).module;
        if (golden.Has("mid.patch_embed.out"))
            golden.AssertClose("mid.patch_embed.out", Part("^patch_embed$").call(image), tolerance);
        for (int n = 0; n < model.Config.Depth; n++)
        {
            string given = golden.Has($"mid.block{n}.in") ? $"mid.block{n}.in" : $"mid.block{n - 1}.out",
                wanted = $"mid.block{n}.out";
            if (golden.Has(given) && golden.Has(wanted))
                golden.AssertClose(
                    wanted,
                    Part($@"^(layers|blocks)\.{n}$").call(golden.Tensor(given, image.dtype)),
                    tolerance
                );
        }
    }
}
