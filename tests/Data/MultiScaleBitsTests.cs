using System.Diagnostics;
using PatchKit.Data;
using PatchKit.Tests.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Data;

/// <summary>
/// The generated set: the same images however they are asked for, and its definition in their statistics.
/// </summary>
[Trait("speed", "seconds")]
public sealed class MultiScaleBitsTests(ITestOutputHelper output) : IDisposable
{
    private static readonly MultiScaleBitsOptions Crowded = new()
    {
        Height = 24,
        Width = 31,
        Objects = (1, 4),
    };

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory, InlineData(1), InlineData(2), InlineData(5)]
    public void AnImageIsTheSameWhateverTheBatchTheThreadsAndTheOrder(int threads)
    {
        var whole = new MultiScaleBits(11, DataSplit.Training, Crowded) { Threads = 1 }.Batch(
            100,
            60,
            Annotations.Dense
        );
        var set = new MultiScaleBits(11, DataSplit.Training, Crowded) { Threads = threads };
        foreach (int size in new[] { 60, 20, 1 })
            for (int first = 60 - size; first >= 0; first -= size)
            {
                using var part = set.Batch(100 + first, size, Annotations.Dense);
                Expect.SameBits(whole.Images.narrow(0, first, size), part.Images);
                Expect.SameBits(whole.Labels.narrow(0, first, size), part.Labels);
                Expect.SameBits(whole.Bits!.narrow(0, first, size), part.Bits!);
                Expect.SameBits(whole.Dense!.narrow(0, first, size), part.Dense!);
            }
        var image = new float[3 * 24 * 31];
        Assert.Equal(whole.Labels[7].item<long>(), set.Draw(107, image));
        Assert.Equal(whole.Images[7].data<float>().ToArray(), image);
    }

    [Fact]
    public void SeedsSplitsAndIndicesGiveUnrelatedImages()
    {
        var images = new[]
        {
            (0L, DataSplit.Training),
            (1, DataSplit.Training),
            (0, DataSplit.Validation),
            (0, DataSplit.Test),
        }
            .SelectMany(key => Enumerable.Range(0, 20).Select(i => Quiet(key.Item1, key.Item2, i)))
            .ToArray();
        for (int i = 0; i < images.Length; i++)
        for (int j = 0; j < i; j++)
            // deviation 1 / sqrt(768)
            Assert.True(Math.Abs(images[i].Zip(images[j], (a, b) => a * b).Sum()) / 768 < .25);

        // Noise alone, of variance 1.
        static float[] Quiet(long seed, DataSplit split, int index)
        {
            var image = new float[768];
            new MultiScaleBits(
                seed,
                split,
                new()
                {
                    Scales = 0,
                    Background = 0,
                    BackgroundSpread = 0,
                    BackgroundTexture = 0,
                    ColourSpread = 0,
                    Noise = (1, 1),
                }
            ).Draw(index, image);
            return image;
        }
    }

    [Fact]
    public void TheGeneratorIsFrozen()
    {
        var batch = new MultiScaleBits(0).Batch(0, 8);
        Assert.Equal(FrozenLabels, batch.Labels.data<long>().ToArray());
        Assert.Equal(
            FrozenPixels,
            batch.Images.select(3, 8).select(2, 8).sum([1]).data<float>().ToArray(),
            (a, b) => Math.Abs(a - b) < 1e-5
        );
    }

    private static readonly long[] FrozenLabels = [13, 12, 6, 3, 3, 7, 5, 12];
    private static readonly float[] FrozenPixels =
    [
        -0.4112258f,
        1.0015237f,
        2.3343985f,
        3.016224f,
        1.8013785f,
        1.9520613f,
        -0.4190155f,
        1.8202305f,
    ];

    [Fact]
    public void ClassesAreUniformAndTheirBitsCoarseToFine()
    {
        const int n = 16_000;
        var batch = new MultiScaleBits(3).Batch(0, n);
        Expect.SameBits(batch.Labels, batch.Bits!.matmul(tensor([8L, 4, 2, 1])));
        Assert.All(
            batch.Labels.data<long>().CountBy(label => label),
            pair =>
            {
                Assert.InRange(pair.Key, 0, 15);
                Assert.Equal(n / 16.0, pair.Value, 4 * Math.Sqrt(n / 16.0));
            }
        );
    }

    [Fact]
    public void ScalesThatAreLeftOutCarryNoBit()
    {
        var options = new MultiScaleBitsOptions { Scales = DetailScales.Blotch | DetailScales.Speck };
        var set = new MultiScaleBits(3, options: options);
        var batch = set.Batch(0, 200);
        Assert.Equal(4, options.Classes);
        Assert.Equal(0, batch.Bits!.index_select(1, tensor([0L, 2])).sum().item<long>());
        Expect.SameBits(batch.Labels, batch.Bits!.matmul(tensor([0L, 2, 0, 1])));
        Assert.Equal(3, set.ClassOf(DetailScales.All));
    }

    /// <summary>
    /// One statistic for each bit: it must tell its own bit and no other, and no mean colour may tell any.
    /// </summary>
    [Fact]
    public void EachBitIsInItsOwnStatisticAndInNoOther()
    {
        const int n = 6000;
        var batch = new MultiScaleBits(5).Batch(0, n, Annotations.Dense);
        var images = batch.Images.data<float>().ToArray();
        var dense = batch.Dense!.data<long>().ToArray();
        var bits = batch.Bits!.data<long>().ToArray();
        string[] names =
        [
            "shape: height - width",
            "blotch: power along U - V",
            "fleck: product of U and V",
            "speck: third moment of W",
            "mean red",
            "mean green",
            "mean blue",
        ];
        var samples = names.Select(_ => new double[n]).ToArray();
        for (int i = 0; i < n; i++)
        {
            var inside = Enumerable.Range(0, 256).Where(at => dense[i * 256 + at] > 0).ToArray();
            var colours = inside
                .Select(at =>
                    (
                        R: (double)images[i * 768 + at],
                        G: (double)images[i * 768 + 256 + at],
                        B: (double)images[i * 768 + 512 + at]
                    )
                )
                .ToArray();
            var u = colours.Select(c => (c.R - c.G) / Math.Sqrt(2)).ToArray();
            var v = colours.Select(c => (c.R + c.G - 2 * c.B) / Math.Sqrt(6)).ToArray();
            var w = colours.Select(c => (c.R + c.G + c.B) / Math.Sqrt(3)).ToArray();
            samples[0][i] =
                inside.Select(at => at / 16).Distinct().Count() - inside.Select(at => at % 16).Distinct().Count();
            samples[1][i] = u.Average(x => x * x) - v.Average(x => x * x);
            samples[2][i] = u.Zip(v, (x, y) => x * y).Average();
            samples[3][i] = w.Average(x => Math.Pow(x - w.Average(), 3));
            (samples[4][i], samples[5][i], samples[6][i]) = (
                colours.Average(c => c.R),
                colours.Average(c => c.G),
                colours.Average(c => c.B)
            );
        }
        for (int s = 0; s < names.Length; s++)
        for (int bit = 0; bit < 4; bit++)
        {
            double t = Separation(Enumerable.Range(0, n).ToLookup(i => bits[i * 4 + bit], i => samples[s][i]));
            output.WriteLine($"{names[s]}, bit {bit}: {t:F1} standard errors");
            Assert.True(s == bit ? t > 20 : Math.Abs(t) < 4, $"{names[s]} tells bit {bit} by {t} standard errors");
        }

        static double Separation(ILookup<long, double> of)
        {
            var (one, zero) = (Moments(of[1]), Moments(of[0]));
            return (one.Mean - zero.Mean) / Math.Sqrt(one.Error + zero.Error);
        }

        static (double Mean, double Error) Moments(IEnumerable<double> values)
        {
            var all = values.ToArray();
            double mean = all.Average();
            return (mean, all.Average(x => (x - mean) * (x - mean)) / all.Length);
        }
    }

    /// <summary>
    /// Without noise and with all amplitudes at their ends, colours are the sums that the definition states.
    /// </summary>
    [Fact]
    public void ColoursAreThoseOfTheDefinition()
    {
        var options = new MultiScaleBitsOptions
        {
            BackgroundSpread = 0,
            ColourSpread = 0,
            Noise = (0, 0),
            Blotch = (.5, .5),
            Fleck = (.4, .4),
            Speck = (.3, .3),
        };
        var batch = new MultiScaleBits(8, options: options).Batch(0, 50, Annotations.Dense);
        double[] u = [1 / Math.Sqrt(2), -1 / Math.Sqrt(2), 0],
            v = [1 / Math.Sqrt(6), 1 / Math.Sqrt(6), -2 / Math.Sqrt(6)];
        double w = 1 / Math.Sqrt(3);
        var dense = batch.Dense!.data<long>().ToArray();
        var images = batch.Images.data<float>().ToArray();
        var bits = batch.Bits!.data<long>().ToArray();
        var specks = new Dictionary<int, int> { [3] = 0, [-1] = 0 };
        for (int i = 0; i < 50; i++)
        for (int at = 0; at < 256; at++)
        {
            var colour = Enumerable.Range(0, 3).Select(c => (double)images[(i * 3 + c) * 256 + at]).ToArray();
            if (dense[i * 256 + at] == 0)
            {
                Assert.All(colour, value => Assert.Equal(.3 * w, Math.Abs(value + .6), 1e-6));
                continue;
            }
            double alongU = Dot(colour, u),
                alongV = Dot(colour, v),
                alongW = colour.Sum() * w / (bits[i * 4 + 3] == 1 ? .3 : -.3);
            var (blotched, plain) = bits[i * 4 + 1] == 1 ? (alongU, alongV) : (alongV, alongU);
            double fleck = Math.Sqrt(1.5) * .4;
            Assert.Equal(fleck, Math.Abs(plain), 1e-5);
            // the sign along U
            int flecked = Math.Sign(plain) * (bits[i * 4 + 1] == 1 && bits[i * 4 + 2] == 0 ? -1 : 1);
            double otherSign =
                bits[i * 4 + 1] == 1 ? flecked
                : bits[i * 4 + 2] == 1 ? flecked
                : -flecked;
            Assert.Equal(Math.Sqrt(3) * .5, Math.Abs(blotched - otherSign * fleck), 1e-5);
            specks[(int)Math.Round(alongW)]++;
            Assert.Equal(Math.Round(alongW), alongW, 1e-4);
        }
        Assert.Equal(.25, specks[3] / (double)(specks[3] + specks[-1]), .03);

        static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
    }

    [Fact]
    public void BoxesMasksAndDenseLabelsAreOfTheVisibleParts()
    {
        var batch = new MultiScaleBits(4, options: Crowded).Batch(0, 300, Annotations.Dense | Annotations.Objects);
        var counts = new HashSet<int>();
        for (int i = 0; i < 300; i++)
        {
            var (boxes, classes, masks) = batch.Objects![i];
            var expected = zeros([24, 31], int64);
            counts.Add((int)classes.shape[0]);
            for (int k = 0; k < classes.shape[0]; k++)
            {
                using var scope = NewDisposeScope();
                var places = masks[k].nonzero(); // (M, 2): row, column
                var (low, high) = (places.amin([0]).data<long>().ToArray(), places.amax([0]).data<long>().ToArray());
                Assert.Equal([low[1], low[0], high[1] + 1, high[0] + 1], boxes[k].data<float>().ToArray());
                expected.add_(masks[k].to(int64) * (classes[k] + 1));
            }
            Assert.True(masks.sum([0]).max().item<long>() <= 1, "two masks share a pixel");
            Expect.SameBits(expected, batch.Dense![i]);
            Assert.Equal(batch.Labels[i].item<long>(), classes[-1].item<long>());
        }
        Assert.Equal([1, 2, 3, 4], counts.Order());
    }

    [Fact]
    public void TheDetectionSetSpreadsItsObjects()
    {
        var options = MultiScaleBitsOptions.Detection;
        var batch = new MultiScaleBits(4, options: options).Batch(0, 200, Annotations.Objects);
        Assert.Equal(
            (4, 1, 3),
            (options.Classes, batch.Objects!.Min(o => o.Classes.shape[0]), batch.Objects!.Max(o => o.Classes.shape[0]))
        );
        // An ellipse of 48 x 48 pixels has pi r^2 / 1.8 of them, 222 on average, where nothing covers it.
        double area =
            batch.Objects!.Sum(o => o.Masks.sum().item<long>()) / (double)batch.Objects!.Sum(o => o.Classes.shape[0]);
        Assert.InRange(area, 205, 225);
    }

    [Theory, InlineData(4, 4), InlineData(16, 48), InlineData(33, 7), InlineData(224, 224)]
    public void AnySizeHasItsObjectInside(int height, int width)
    {
        var batch = new MultiScaleBits(6, options: new() { Height = height, Width = width }).Batch(
            0,
            40,
            Annotations.Objects
        );
        Assert.Equal([40, 3, height, width], batch.Images.shape);
        Assert.True(batch.Images.isfinite().all().item<bool>());
        Assert.All(batch.Objects!, targets => Assert.Equal(1, targets.Classes.shape[0]));
    }

    [Fact]
    public void WhatMakesNoImagesIsRefusedInASentence()
    {
        Refused(new() { Height = 0 }, "0x16");
        Refused(new MultiScaleBitsOptions().Sized(3), "3x3", "4x4");
        Refused(new() { Objects = (2, 1) }, "2 to 1");
        Refused(new() { Objects = (1, 300) }, "300", "255");
        Refused(new() { SemiAxis = (.4, .6) }, "0.6", ".5");
        Refused(new() { Noise = (.3, .1) }, "Noise", "0.3", "0.1");
        Refused(new() { Noise = (double.NaN, .1) }, "Noise", "NaN");
        Refused(new() { CentreTrials = 0 }, "0", "1");
        Refused(new() { BlotchCell = 0 }, "0", "1");
        Refused(new() { Scales = (DetailScales)16 }, "16", "Shape");
        var set = new MultiScaleBits(0);
        Expect.Refused<ArgumentException>(() => set.Batch(-1, 2), "-1", "from 0");
        Expect.Refused<ArgumentException>(() => set.Batch(0, 0), "0 images", "use 1 to");
        Expect.Refused<ArgumentException>(() => set.Draw(0, new float[5]), "768", "5");

        static void Refused(MultiScaleBitsOptions options, params string[] words) =>
            Expect.Refused<ArgumentException>(() => new MultiScaleBits(0, options: options), words);
    }

    [Fact]
    public void PrintsImagesPerSecond()
    {
        // the largest first: by then the code has been optimised
        foreach (int size in new[] { 224, 48, 32, 16 })
        {
            var set = new MultiScaleBits(0, options: new MultiScaleBitsOptions().Sized(size)) { Threads = 1 };
            int batch = Math.Max(1, 200_000 / size / size);
            long images = 0;
            Paint(200);
            var (from, start) = (images, Environment.CpuUsage.TotalTime);
            Paint(500);
            output.WriteLine(
                $"{size}x{size}: "
                    + $"{(images - from) / (Environment.CpuUsage.TotalTime - start).TotalSeconds:N0} images "
                    + "per core and second"
            );

            void Paint(int milliseconds)
            {
                for (var clock = Stopwatch.StartNew(); clock.ElapsedMilliseconds < milliseconds; images += batch)
                    set.Batch(images, batch).Dispose();
            }
        }
    }
}
