using PatchKit.Ops;
using PatchKit.Tests.Golden;
using PatchKit.Torch;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>
/// AdamW with two groups, gradient clipping and the running average of the weights, step by step against 06_adamw.
/// </summary>
public sealed class AdamWGolden
{
    private const string File = "06_adamw";

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        GoldenFile.Cases(
            File,
            file =>
                file.Json.GetProperty("cases").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)
        );

    [Theory, MemberData(nameof(Cases))]
    public void Float32(string name) => Replay(name, ScalarType.Float32, GoldenFile.Open(File).Tolerance());

    [Theory, MemberData(nameof(Cases))]
    public void Float64(string name) => Replay(name, ScalarType.Float64, 1e-12);

    private static void Replay(string name, ScalarType dtype, double tolerance)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File);
        var settings = golden.Case(name);
        double Number(string key) => settings.GetProperty(key).GetDouble();

        var w = new Parameter(golden.Tensor($"{name}.w0", dtype));
        var b = new Parameter(golden.Tensor($"{name}.b0", dtype));
        var average = w.detach().clone();
        using var optimizer = new FusedAdamW(
            [
                new AdamW.ParamGroup
                {
                    Parameters = [w],
                    Options = new AdamW.Options { weight_decay = Number("weight_decay_w") },
                },
                new AdamW.ParamGroup
                {
                    Parameters = [b],
                    Options = new AdamW.Options { weight_decay = Number("weight_decay_b") },
                },
            ],
            Number("lr"),
            settings.GetProperty("betas")[0].GetDouble(),
            settings.GetProperty("betas")[1].GetDouble(),
            Number("eps")
        );
        optimizer.ParamGroups.First().LearningRate = Number("lr_group_w");

        for (int step = 0; step < settings.GetProperty("steps").GetInt32(); step++)
        {
            w.grad = golden.Tensor($"{name}.gw{step}", dtype);
            b.grad = golden.Tensor($"{name}.gb{step}", dtype);
            if (settings.GetProperty("clip_norm").ValueKind != System.Text.Json.JsonValueKind.Null)
            {
                double norm = GradientNorm.Clip([w, b], Number("clip_norm"));
                golden.AssertClose($"{name}.norm{step}", tensor(norm), tolerance);
            }
            optimizer.step();
            optimizer.zero_grad();
            Assert.Null(w.grad);
            double decay = Number("ema_decay");
            average.mul_(decay).add_(w.detach() * (1 - decay));

            golden.AssertClose($"{name}.w{step + 1}", w, tolerance);
            golden.AssertClose($"{name}.b{step + 1}", b, tolerance);
            golden.AssertClose($"{name}.ema_w{step + 1}", average, tolerance);
        }
    }
}
