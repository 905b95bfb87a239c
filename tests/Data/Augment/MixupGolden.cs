using System.Text.Json;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Data.Augment;

/// <summary>
/// Mixup and CutMix against timm's images and targets in 08_losses; the sampled weights and boxes are inputs.
/// </summary>
public sealed class MixupGolden
{
    private const string File = "08_losses";

    public static IEnumerable<TheoryDataRow<string>> Targets =>
        GoldenFile.Cases(
            File,
            file => file.Names.Where(name => name.StartsWith("mixup_lam") && name.EndsWith(".target"))
        );

    public static IEnumerable<TheoryDataRow<string>> Mixed =>
        GoldenFile.Cases(
            File,
            file => Enumerable.Range(0, file.Json.GetProperty("mixup_cases").GetArrayLength()).Select(i => i.ToString())
        );

    [Theory, MemberData(nameof(Targets))]
    public void SoftTargets(string name)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File);
        double weight = Number(name, "lam"),
            smoothing = Number(name, "_s");
        var mixup = new Mixup(golden.Json.GetProperty("K").GetInt32(), smoothing);
        golden.AssertClose(
            name,
            mixup.Targets(golden.Tensor("in.target"), new MixupDraw(weight, null), ScalarType.Float64),
            1e-7
        );
    }

    [Theory, MemberData(nameof(Mixed))]
    public void ImagesAndTargets(string number)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File);
        var entry = golden.Json.GetProperty("mixup_cases")[int.Parse(number)];
        var images = golden.Tensor("mix.in.image", ScalarType.Float64);
        double weight = entry.GetProperty("sampled_lam").GetDouble();
        var draw = new MixupDraw(weight, null);
        if (entry.GetProperty("use_cutmix").GetBoolean())
        {
            int[] box = [.. entry.GetProperty("bbox_yl_yh_xl_xh").EnumerateArray().Select(edge => edge.GetInt32())];
            draw = MixupDraw.Of(new CropBox(box[0], box[2], box[1] - box[0], box[3] - box[2]), 10, 10);
            Assert.Equal(entry.GetProperty("corrected_lam").GetDouble(), draw.Weight, 1e-12);
            AssertDrawable(weight, draw);
        }
        var mixup = new Mixup(
            golden.Json.GetProperty("K").GetInt32(),
            entry.GetProperty("label_smoothing").GetDouble()
        );
        golden.AssertClose($"mix.{number}.image", Mixup.Images(images, draw), 1e-7);
        golden.AssertClose(
            $"mix.{number}.target",
            mixup.Targets(golden.Tensor("mix.in.target"), draw, ScalarType.Float64),
            1e-7
        );
    }

    [Fact]
    public void WeightsAreBetaDistributed()
    {
        var mixup = new Mixup(10);
        var draws = Enumerable
            .Range(0, 20_000)
            .Select(i =>
            {
                var random = new SampleRandom(1, 0, i);
                return mixup.Draw(32, 32, ref random);
            })
            .ToArray();
        double[] blended = [.. draws.Where(draw => draw.Box is null).Select(draw => draw.Weight)];
        Assert.Equal(0.5, (double)blended.Length / draws.Length, 0.015);
        Assert.Equal(0.5, blended.Average(), 0.01);
        // Beta(a, a)'s variance
        Assert.Equal(1 / (4 * (2 * 0.8 + 1)), blended.Average(weight => Math.Pow(weight - 0.5, 2)), 0.003);
        Assert.All(draws, draw => Assert.InRange(draw.Weight, 0, 1));
    }

    [Fact]
    public void AnOddBatchIsRefused()
    {
        using var images = zeros([3, 3, 4, 4]);
        Assert.Contains(
            "has 3 images",
            Assert.Throws<ArgumentException>(() => Mixup.Images(images, new MixupDraw(0.5, null))).Message
        );
    }

    // Some centre gives this box for the sampled weight.
    private static void AssertDrawable(double weight, MixupDraw draw) =>
        Assert.Contains(
            draw,
            Enumerable.Range(0, 100).Select(centre => MixupDraw.Cut(weight, 10, 10, centre / 10, centre % 10))
        );

    private static double Number(string name, string after)
    {
        string rest = name[(name.IndexOf(after, StringComparison.Ordinal) + after.Length)..];
        return double.Parse(
            string.Concat(rest.TakeWhile((c, i) => char.IsDigit(c) || (c == '.' && char.IsDigit(rest[i + 1])))),
            System.Globalization.CultureInfo.InvariantCulture
        );
    }
}
