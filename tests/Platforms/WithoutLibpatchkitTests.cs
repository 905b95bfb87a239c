using System.Diagnostics;
using System.Text.Json;
using PatchKit.Data.Images;
using PatchKit.Tests.Cli;
using PatchKit.Tests.Data.Images;
using Xunit;

namespace PatchKit.Tests.Platforms;

/// <summary>
/// What runs where no C++ compiler built libpatchkit, as on Windows and macOS: here its place is said to be one where
/// nothing is.
/// </summary>
[Trait("speed", "seconds"), Trait("work", "processes")]
public sealed class WithoutLibpatchkitTests(ITestOutputHelper output)
{
    private const string Nowhere = "PATCHKIT_NATIVE=/nowhere/libpatchkit.so";

    [Fact]
    public void DoctorSaysWhatDecodesAndComputes()
    {
        using var run = ChildProcess.WithVariable(Nowhere, "doctor");
        var (code, said, _) = run.End();
        Assert.Equal(0, code);
        Assert.Contains($"differ from Pillow's by up to {ImageSharpCodec.MostLevelsFromPillow} of 255 levels", said);
        Assert.Contains("tensor operators take their place", said);
        Assert.Contains("libpatchkit.so was not found at /nowhere/libpatchkit.so", said);
    }

    [Fact]
    public void ModelsScoreAndPredict()
    {
        using var scored = new ScoredModel();
        string photo = Path.Combine(ImageFiles.Folder, "colour_444.jpg");
        using var eval = ChildProcess.WithVariable(
            Nowhere,
            ["eval", .. scored.Options, "--data", scored["val"], "--json"]
        );
        using var predict = ChildProcess.WithVariable(Nowhere, ["predict", .. scored.Options, photo]);
        var (code, said, errors) = eval.End();
        Assert.True(code == 0, errors);
        var images = scored.Images;
        double loss = JsonElement.Parse(said).GetProperty("loss").GetDouble(),
            ours = scored.Score(images, Enumerable.Range(0, images.Count)).Loss;
        output.WriteLine($"loss {loss}, with libpatchkit {ours}");
        Assert.InRange(loss, ours - 0.01, ours + 0.01); // a JPEG's pixels differ by a few levels
        (code, said, errors) = predict.End();
        Assert.True(code == 0, errors);
        Assert.Contains(photo, said);
    }

    /// <summary>
    /// The tests of models and operators against the official implementations' numbers, in a runner of their own; but
    /// for the one that asks for libpatchkit's scan itself.
    /// </summary>
    [Fact]
    public void ModelsAndOperatorsHaveTheGoldenNumbers()
    {
        string[] classes =
        [
            "Models.VitGolden",
            "Models.AdventurerGolden",
            "Models.MixerGolden",
            "Ops.SsdScanGolden",
            "Ops.ConvNormGolden",
            "Ops.RoiNmsGolden",
        ];
        string[] line =
        [
            "env",
            Nowhere,
            .. ChildProcess.Line()[..1],
            typeof(WithoutLibpatchkitTests).Assembly.Location,
            "-noColor",
            "-noLogo",
            .. classes.SelectMany(name => new[] { "-class", $"PatchKit.Tests.{name}" }),
            "-method-",
            "PatchKit.Tests.Ops.SsdScanGolden.FusedInChunksOf16",
        ];
        using var runner = Process.Start(new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true })!;
        string said = runner.StandardOutput.ReadToEnd();
        runner.WaitForExit();
        output.WriteLine(said);
        Assert.True(runner.ExitCode == 0, said);
        Assert.Matches("Total: [1-9][0-9]*, Errors: 0, Failed: 0, Skipped: 0,", said);
    }

    // What doctor says, measured on every fixture, which libpatchkit decodes to Pillow's bytes.
    [Fact]
    public void ImageSharpsPixelsAreAsFarFromPillowsAsDoctorSays()
    {
        var worst = new Dictionary<string, int>();
        foreach (string path in Directory.EnumerateFiles(ImageFiles.Folder).Where(ImageCodec.IsImage).Order())
            Compare(File.ReadAllBytes(path), Path.GetFileName(path));
        int jpegs = Most(file => file.EndsWith(".jpg")),
            deep = Most(file => file.EndsWith("_16.png")),
            pngs = Most(file => file.EndsWith(".png") && !file.EndsWith("_16.png"));
        output.WriteLine(
            $"JPEG {jpegs}, PNG {pngs}, of 16 "
                + $"bits {deep}: {string.Join(", ", worst.Select(pair => $"{pair.Key} {pair.Value}"))}"
        );
        Assert.Equal((ImageSharpCodec.MostLevelsFromPillow, 1, 0), (jpegs, deep, pngs));
        Assert.Equal(2, worst["colour_444.jpg"]);

        int Most(Func<string, bool> which) => worst.Where(pair => which(pair.Key)).Max(pair => pair.Value);

        void Compare(byte[] file, string name)
        {
            using var pillows = ImageCodec.Decode(file, name);
            using var sharps = ImageSharpCodec.Decode(file, name, DecodeOptions.Default);
            Assert.Equal((pillows.Width, pillows.Height), (sharps.Width, sharps.Height));
            int most = 0;
            for (int i = 0; i < pillows.Pixels.Length; i++)
                most = Math.Max(most, Math.Abs(pillows.Pixels[i] - sharps.Pixels[i]));
            worst[name] = most;
        }
    }
}
