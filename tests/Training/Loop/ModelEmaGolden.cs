using PatchKit.Tests.Golden;
using PatchKit.Training.Loop;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Loop;

/// <summary>The moving average of a weight over the steps of 06_adamw.</summary>
public sealed class ModelEmaGolden
{
    private const string File = "06_adamw";

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        GoldenFile.Cases(
            File,
            file =>
                file.Json.GetProperty("cases").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)
        );

    [Theory, MemberData(nameof(Cases))]
    public void StepByStep(string name)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File);
        var settings = golden.Case(name);
        var model = new OneWeight(golden.Tensor($"{name}.w0", ScalarType.Float64));
        using var ema = new ModelEma(model, settings.GetProperty("ema_decay").GetDouble());
        for (int step = 1; step <= settings.GetProperty("steps").GetInt32(); step++)
        {
            using (no_grad())
                model.Weight.copy_(golden.Tensor($"{name}.w{step}"));
            ema.Update(model);
            golden.AssertClose($"{name}.ema_w{step}", ema.State["weight"], 1e-12);
        }
    }

    private sealed class OneWeight : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter weight;

        internal OneWeight(Tensor start)
            : base(nameof(OneWeight))
        {
            weight = new Parameter(start);
            RegisterComponents();
        }

        internal Parameter Weight => weight;

        public override Tensor forward(Tensor x) => x.matmul(weight);
    }
}
