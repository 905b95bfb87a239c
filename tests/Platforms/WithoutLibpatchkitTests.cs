using System.Diagnostics;
using System.Text.RegularExpressions;
using PatchKit.Data;
using PatchKit.Tests.Cli;
using PatchKit.Tests.Data;
using PatchKit.Tests.Public;
using Xunit;

namespace PatchKit.Tests.Platforms;

/// <summary>What runs where no C++ compiler built libpatchkit, as on Windows and macOS: here its place is said to be one where nothing is.</summary>
public sealed partial class WithoutLibpatchkitTests(ITestOutputHelper output) : IDisposable
{
    private const string Nowhere = "PATCHKIT_NATIVE=/nowhere/libpatchkit.so";

    // Tests of this assembly that say nothing of libpatchkit's own forms.
    private static readonly string[] Held =
    [
        "Models.VitGolden.*", "Models.AdventurerGolden.*", "Models.MixerGolden.*", "Models.PthGolden.*", "Ops.SsdScanGolden.Sequential", "Ops.SsdScanGolden.InChunks*", "Ops.ConvNormGolden.Composed",
        "Ops.RoiNmsGolden.ComposedRegions", "Ops.RoiNmsGolden.KeptBoxesAreTheSame", "Data.AugmentGolden.*", "Engines.OperatorTests.*", "Engines.FusedAdamWTests.*", "Public.OtherFormatsTests.*",
        "Cli.EvalCommandTests.*", "Cli.PredictCommandTests.*",
    ];

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void GoldenNumbersCommandsAndResizingHold()
    {
        string[] line = [typeof(WithoutLibpatchkitTests).Assembly.Location, "-noColor", "-noLogo", .. Held.SelectMany(method => new[] { "-method", $"PatchKit.Tests.{method}" })];
        var start = new ProcessStartInfo("env", [Nowhere, ChildProcess.Line()[0], .. line]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        output.WriteLine(said);
        var sum = Sum().Match(said);
        Assert.True(process.ExitCode == 0 && sum.Success, said);
        Assert.True(int.Parse(sum.Groups["total"].Value) >= 2 * Held.Length, said);
        Assert.Equal(("0", "0"), (sum.Groups["errors"].Value, sum.Groups["failed"].Value));
    }

    [Fact]
    public void Table1RunsAtSmoke()
    {
        using var run = ChildProcess.WithVariable(Nowhere, "run", "table1", "--scale", "smoke", "--out", _scratch["runs"]);
        var (code, said, complained) = run.End();
        output.WriteLine(said + complained);
        Assert.Equal(0, code);
        Assert.Contains("Table 1", said);
    }

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

    // What doctor says, measured on Pillow's own pixels of every fixture and on pictures of the sizes that are trained on, which libjpeg-turbo decodes to Pillow's bytes.
    [Fact]
    public void ImageSharpsPixelsAreAsFarFromPillowsAsDoctorSays()
    {
        var worst = new Dictionary<string, int>();
        foreach (string path in Directory.EnumerateFiles(ImageFiles.Folder).Where(ImageCodec.IsImage).Order())
            Compare(File.ReadAllBytes(path), Path.GetFileName(path));
        int jpegs = worst.Where(pair => pair.Key.EndsWith(".jpg")).Max(pair => pair.Value), pngs = worst.Where(pair => pair.Key.EndsWith(".png")).Max(pair => pair.Value);
        output.WriteLine($"JPEG {jpegs}, PNG {pngs}: {string.Join(", ", worst.Select(pair => $"{pair.Key} {pair.Value}"))}");
        Assert.Equal((ImageSharpCodec.MostLevelsFromPillow, 0), (jpegs, pngs));

        void Compare(byte[] file, string name)
        {
            using var pillows = ImageCodec.Decode(file, name);
            using var sharps = ImageSharpCodec.Decode(file, name, DecodeOptions.Default);
            Assert.Equal((pillows.Width, pillows.Height), (sharps.Width, sharps.Height));
            int most = 0;
            for (int i = 0; i < pillows.Pixels.Length; i++) most = Math.Max(most, Math.Abs(pillows.Pixels[i] - sharps.Pixels[i]));
            worst[name] = most;
        }
    }

    [GeneratedRegex("Total: (?<total>[0-9]+), Errors: (?<errors>[0-9]+), Failed: (?<failed>[0-9]+)")]
    private static partial Regex Sum();
}
