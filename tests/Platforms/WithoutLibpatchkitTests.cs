using PatchKit.Data;
using PatchKit.Tests.Cli;
using PatchKit.Tests.Data;
using Xunit;

namespace PatchKit.Tests.Platforms;

/// <summary>What runs where no C++ compiler built libpatchkit, as on Windows and macOS: here its place is said to be one where nothing is.</summary>
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

    // What doctor says, measured on every fixture, which libpatchkit decodes to Pillow's bytes.
    [Fact]
    public void ImageSharpsPixelsAreAsFarFromPillowsAsDoctorSays()
    {
        var worst = new Dictionary<string, int>();
        foreach (string path in Directory.EnumerateFiles(ImageFiles.Folder).Where(ImageCodec.IsImage).Order())
            Compare(File.ReadAllBytes(path), Path.GetFileName(path));
        int jpegs = Most(file => file.EndsWith(".jpg")), deep = Most(file => file.EndsWith("_16.png")), pngs = Most(file => file.EndsWith(".png") && !file.EndsWith("_16.png"));
        output.WriteLine($"JPEG {jpegs}, PNG {pngs}, of 16 bits {deep}: {string.Join(", ", worst.Select(pair => $"{pair.Key} {pair.Value}"))}");
        Assert.Equal((ImageSharpCodec.MostLevelsFromPillow, 1, 0), (jpegs, deep, pngs));
        Assert.Equal(2, worst["colour_444.jpg"]);

        int Most(Func<string, bool> which) => worst.Where(pair => which(pair.Key)).Max(pair => pair.Value);

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
}
