using System.Globalization;
using System.Text.Json;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Tests.Golden;
using Xunit;

namespace PatchKit.Tests.Data.Augment;

/// <summary>
/// Resizing, cropping and every augmentation against Pillow's and torchvision's outputs in 07_augment.
/// </summary>
public sealed class AugmentGolden
{
    private const string File = "07_augment";

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        GoldenFile.Cases(File, file => file.Names.Where(name => name != "in.image_hwc").Order());

    [Theory, MemberData(nameof(Cases))]
    public void Pixels(string name)
    {
        var golden = GoldenFile.Open(File);
        double[] expected = golden.Array(name);
        using var image = Input(golden);
        if (golden.Shape(name) is [3, _, _])
        {
            float[] planes = Planes(golden, image, name);
            Assert.Equal(expected.Length, planes.Length);
            // One level of 255 is at most 0.0176 after normalisation; measured difference: rounding of the division
            // alone.
            Assert.All(
                planes.Zip(expected),
                pair =>
                    Assert.True(
                        Math.Abs(pair.First - pair.Second) < 1e-6,
                        $"{name}: {pair.First} against {pair.Second}"
                    )
            );
            return;
        }
        using var result = Apply(golden, image, name);
        Assert.Equal<long[]>(golden.Shape(name), [result.Height, result.Width, 3]);
        var pixels = result.Pixels.ToArray();
        int worst = pixels.Zip(expected, (a, b) => (int)Math.Abs(a - b)).Max();
        Assert.True(
            worst == 0,
            $"{name} is off by {worst} levels at most; the golden file allows 1, Pillow's own arithmetic gives 0."
        );
    }

    [Fact]
    public void RandAugmentArguments()
    {
        foreach (var entry in GoldenFile.Open(File).Json.GetProperty("cases").EnumerateArray())
        {
            if (
                !entry.GetProperty("name").GetString()!.StartsWith("ra_")
                || entry.GetProperty("arg").GetArrayLength() == 0
            )
                continue;
            var kind = Enum.Parse<RandAugment.Kind>(entry.GetProperty("op").GetString()!);
            bool negative = entry.GetProperty("name").GetString()!.EndsWith("_neg");
            Assert.Equal(
                entry.GetProperty("arg")[0].GetDouble(),
                RandAugment.Argument(kind, entry.GetProperty("level").GetDouble(), negative),
                1e-12
            );
        }
    }

    [Fact]
    public void RandomResizedCropStatistics()
    {
        var stats = GoldenFile.Open(File).Json.GetProperty("stats_random_resized_crop");
        int width = stats.GetProperty("image_wh")[0].GetInt32(),
            height = stats.GetProperty("image_wh")[1].GetInt32(),
            n = stats.GetProperty("n").GetInt32();
        var crop = new RandomResizedCrop(224);
        var boxes = Enumerable
            .Range(0, n)
            .Select(i =>
            {
                var random = new SampleRandom(7, 0, i);
                return crop.Draw(width, height, ref random);
            })
            .ToArray();
        double[] areas = [.. boxes.Select(box => (double)box.Width * box.Height / (width * height)).Order()];
        Assert.All(
            boxes,
            box =>
                Assert.True(
                    box.Top >= 0 && box.Left >= 0 && box.Top + box.Height <= height && box.Left + box.Width <= width
                )
        );
        Near(stats, "area_mean", areas.Average(), 0.008);
        Near(stats, "log_ar_mean", boxes.Average(box => Math.Log((double)box.Width / box.Height)), 0.008);
        Near(stats, "top_mean", boxes.Average(box => box.Top), 2.5);
        Near(stats, "left_mean", boxes.Average(box => box.Left), 4.5);
        double[] at = [0.05, 0.25, 0.5, 0.75, 0.95];
        for (int i = 0; i < 5; i++)
            Assert.Equal(
                stats.GetProperty("area_quantiles_5_25_50_75_95")[i].GetDouble(),
                areas[(int)(at[i] * n)],
                0.02
            );
    }

    [Fact]
    public void RandomErasingStatistics()
    {
        var stats = GoldenFile.Open(File).Json.GetProperty("stats_random_erasing");
        int n = stats.GetProperty("n").GetInt32(),
            side = 64;
        var erasing = new RandomErasing(stats.GetProperty("p").GetDouble());
        var boxes = Enumerable
            .Range(0, n)
            .Select(i =>
            {
                var random = new SampleRandom(8, 0, i);
                return erasing.Draw(side, side, ref random);
            })
            .OfType<CropBox>()
            .ToArray();
        Near(stats, "applied_fraction", (double)boxes.Length / n, 0.03);
        Near(stats, "erased_area_mean", boxes.Average(box => (double)box.Width * box.Height / (side * side)), 0.015);
        Assert.All(boxes, box => Assert.True(box.Top + box.Height <= side && box.Left + box.Width <= side));
    }

    private static void Near(JsonElement stats, string key, double actual, double tolerance) =>
        Assert.Equal(stats.GetProperty(key).GetDouble(), actual, tolerance);

    private static Image Input(GoldenFile golden)
    {
        var shape = golden.Shape("in.image_hwc");
        return new Image((int)shape[1], (int)shape[0], [.. golden.Array("in.image_hwc").Select(value => (byte)value)]);
    }

    private static float[] Planes(GoldenFile golden, Image image, string name)
    {
        using var cropped =
            name == "to_tensor_normalize"
                ? image.Clone()
                : new EvalCrop(
                    golden.Case(name).GetProperty("input_size").GetInt32(),
                    golden.Case(name).GetProperty("eval_crop_ratio").GetDouble()
                ).Apply(image);
        var planes = new float[3 * cropped.Width * cropped.Height];
        Normalization.ImageNet.Apply(cropped, planes);
        return planes;
    }

    private static Image Apply(GoldenFile golden, Image image, string name)
    {
        string[] parts = name.Split('_');
        double Number(int i) => double.Parse(parts[i], CultureInfo.InvariantCulture);
        switch (parts[0])
        {
            case "resize":
                int[] size = [.. parts[2].Split('x').Select(int.Parse)];
                return image.Resize(size[0], size[1], Enum.Parse<ResizeFilter>(parts[1], ignoreCase: true));
            case "resized":
                var box = golden.Case(name);
                int Value(string key) => box.GetProperty(key).GetInt32();
                return new RandomResizedCrop(Value("out_size")).Apply(
                    image,
                    new CropBox(Value("top"), Value("left"), Value("height"), Value("width"))
                );
            case "ra":
                var step = golden.Case(name);
                double argument =
                    step.GetProperty("arg").GetArrayLength() > 0 ? step.GetProperty("arg")[0].GetDouble() : 0;
                return RandAugment.Apply(
                    image,
                    Enum.Parse<RandAugment.Kind>(step.GetProperty("op").GetString()!),
                    argument,
                    Warp.ImageNetFill
                );
            case "jitter":
                return ColorJitter.Apply(
                    image,
                    [
                        (ColorJitter.Kind.Contrast, Number(3)),
                        (ColorJitter.Kind.Brightness, Number(4)),
                        (ColorJitter.Kind.Saturation, Number(5)),
                    ]
                );
            case "gaussian":
                return ThreeAugment.Apply(image, ThreeAugment.Kind.Blur, Number(2));
            case "gray":
                return ThreeAugment.Apply(image, ThreeAugment.Kind.Grayscale, 0);
            case "solarize128":
                return ThreeAugment.Apply(image, ThreeAugment.Kind.Solarize, 0);
            case "hflip":
                return image.FlipHorizontal();
            case "brightness":
                return Enhance.Brightness(image, Number(1));
            case "contrast":
                return Enhance.Contrast(image, Number(1));
            case "saturation":
                return Enhance.Saturation(image, Number(1));
            default:
                throw new NotSupportedException($"{File} has the case \"{name}\", which this test does not know.");
        }
    }
}
