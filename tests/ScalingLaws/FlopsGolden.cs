using System.Text.Json;
using System.Text.RegularExpressions;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Tests.Golden;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>Multiply-accumulates of both families, part by part, against 13_flops.</summary>
public sealed class FlopsGolden
{
    private const string File = "13_flops";

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        GoldenFile.Cases(File, file => file.Json.GetProperty("values").EnumerateObject().Select(entry => entry.Name));

    [Theory, MemberData(nameof(Cases))]
    public void EveryCountIsExact(string name)
    {
        var parts = Regex.Match(name, @"^(\w+?)_(\w+)_(\d+)_p(\d+)$").Groups;
        int side = int.Parse(parts[3].Value),
            patch = int.Parse(parts[4].Value);
        var cost = (
            ModelZoo.Find($"{parts[1].Value}-{parts[2].Value}").Config with
            {
                Height = side,
                Width = side,
                PatchSize = patch,
            }
        ).Cost();
        var expected = GoldenFile.Open(File).Json.GetProperty("values").GetProperty(name);
        Assert.All(
            expected.EnumerateObject(),
            count =>
                Assert.Equal(
                    count.Value.GetDouble(),
                    Count(cost, count.Name),
                    count.Value.TryGetInt64(out _) ? 0 : 1e-12
                )
        );
    }

    private static double Count(CostModel cost, string name) =>
        (cost, name) switch
        {
            (_, "N") => cost.Tokens,
            (_, "tokens" or "mlp_tokens") => cost.Tokens + 1,
            (_, "mixer_tokens") => cost.Tokens + 2,
            (_, "patch_embed") => cost.PatchEmbedMacs,
            (_, "head") => cost.HeadMacs,
            (TransformerCost vit, "linear") => vit.LinearMacs,
            (TransformerCost vit, "attention_matmuls") => vit.AttentionMacs,
            (TransformerCost vit, "attention_share") => (double)vit.AttentionMacs / vit.Macs,
            (TransformerCost vit, "total_MACs") => vit.Macs,
            (MambaCost mamba, "in_proj") => mamba.InProjectionMacs,
            (MambaCost mamba, "out_proj") => mamba.OutProjectionMacs,
            (MambaCost mamba, "mlp") => mamba.MlpMacs,
            (MambaCost mamba, "conv1d") => mamba.ConvolutionMacs,
            (MambaCost mamba, "ssd_recurrent_form") => mamba.RecurrentScanMacs,
            (MambaCost mamba, "ssd_chunked_form_Q256") => mamba.ChunkedScanMacs(256),
            (MambaCost mamba, "total_MACs_recurrent") => mamba.Macs,
            (MambaCost mamba, "total_MACs_chunked") => mamba.ChunkedMacs(256),
            (MambaCost mamba, "ssd_share_recurrent") => (double)mamba.RecurrentScanMacs / mamba.Macs,
            (MambaCost mamba, "ssd_share_chunked") => (double)mamba.ChunkedScanMacs(256) / mamba.ChunkedMacs(256),
            _ => throw new NotSupportedException($"{File} counts \"{name}\", which this test does not know."),
        };
}
