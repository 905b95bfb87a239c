using System.CommandLine;
using PatchKit.Cli;
using PatchKit.Data;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using PatchKit.Tests.Data.Images;
using Spectre.Console;
using Xunit;

namespace PatchKit.Tests.Cli;

/// <summary>`patchkit data`: what it prints, writes, refuses and leaves behind.</summary>
public sealed class DataCommandTests : IDisposable
{
    private readonly string _folder = ImageFiles.Scratch(),
        _images;

    public DataCommandTests()
    {
        _images = Path.Combine(_folder, "images");
        Put("train/ant/a.png", "colour.png");
        Put("train/ant/b.jpg", "progressive.jpg");
        Put("train/bee/a.jpg", "grey.jpg");
        Put("val/ant/a.png", "palette_4.png");
        Put("val/bee/a.jpg", "cmyk.jpg");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void InfoCountsAndMeasures()
    {
        var (status, text) = Run("info", _images);
        Assert.Equal(0, status);
        Assert.Contains("an image folder of 2 classes, fingerprint ", text);
        Assert.Matches(@"training +3 +1-2 +33 x 29, median 33 x 29 \(3 looked at\)", text);
        Assert.Matches(@"test +2 +1 ", text);
        Assert.Contains("2 classes: ant, bee", text);
    }

    [Fact]
    public void VerifyListsBadFiles()
    {
        Assert.Equal((0, "an image folder of 2 classes: 5 images, all can be read.\n"), Run("verify", _images));
        string cut = Path.Combine(_images, "train/ant/b.jpg");
        File.WriteAllBytes(cut, File.ReadAllBytes(cut)[..^200]);
        var (status, text) = Run("verify", _images);
        Assert.Equal(1, status);
        Assert.StartsWith($"{cut} is truncated: ", text);
        Assert.EndsWith("an image folder of 2 classes: 5 images, 1 file is bad.\n", text);
    }

    [Theory, InlineData("bicubic"), InlineData("bilinear")]
    public void PackWritesBothPartsOrNothing(string filter)
    {
        string packed = Path.Combine(_folder, "packed");
        string[] arguments = ["pack", _images, "--size", "12", "--out", packed, "--filter", filter];
        Put("val/bee/bad.png", "make.py");
        Assert.Contains(
            "bad.png is no JPEG, PNG, WebP, BMP, GIF or TIFF",
            Assert.Throws<ImageException>(() => Run(arguments)).Message
        );
        Assert.Equal(["images"], Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName));

        Assert.Equal(
            (0, $"{packed}: 5 images of 12 x 12 pixels, 1 left out.\n"),
            Run([.. arguments, "--on-bad-sample", "skip"])
        );
        Assert.Contains("a packed set of 2 classes: 5 images, all can be read.", Run("verify", packed).Text);
        Assert.Contains("exists already", Assert.Throws<ImageException>(() => Run(arguments)).Message);

        string shard = Path.Combine(packed, "val/shard-00000.bin");
        byte[] bytes = File.ReadAllBytes(shard);
        bytes[77] ^= 4;
        File.WriteAllBytes(shard, bytes);
        var (status, text) = Run("verify", packed);
        Assert.Equal(1, status);
        Assert.StartsWith($"{shard} differs from its checksum", text);
    }

    [Fact]
    public void PackRefusesWhatCannotFit() =>
        Assert.Contains(
            "free; make room",
            Assert
                .Throws<ImageException>(() =>
                    Run("pack", _images, "--size", "16000000", "--out", Path.Combine(_folder, "packed"))
                )
                .Message
        );

    [Fact, Trait("speed", "seconds")]
    public void GenerateWritesAFolderThatOpens()
    {
        string made = Path.Combine(_folder, "made");
        Assert.Contains(
            "leave class",
            Assert.Throws<ArgumentException>(() => Run("generate", "--count", "10", "--out", made)).Message
        );
        Assert.False(Directory.Exists(made));
        Assert.Equal(
            (0, $"{made}: 800 training and 160 test images of 16 x 16 pixels.\n"),
            Run("generate", "--seed", "3", "--count", "800", "--out", made)
        );
        using var opened = DataFolder.Open(made);
        Assert.Equal((800, 160, 16), (opened.Training.Count, opened.Test.Count, opened.Training.Classes.Count));
        var set = new MultiScaleBits(3);
        var planes = new float[3 * 256];
        int first = int.Parse(Path.GetFileNameWithoutExtension(opened.Training.Name(0)));
        Assert.Equal(opened.Training.Label(0), set.Draw(first, planes));
        using var image = opened.Training.Read(0);
        for (int i = 0; i < 256; i++)
            Assert.Equal(Math.Clamp(128 + 51 * planes[i], 0, 255), image.Pixels[3 * i], 0.51f);
    }

    private static (int Status, string Text) Run(params string[] arguments)
    {
        var (console, output, error) = (AnsiConsole.Console, Console.Out, Console.Error);
        var writer = new StringWriter();
        try
        {
            Console.SetOut(writer);
            Console.SetError(TextWriter.Null);
            AnsiConsole.Console = AnsiConsole.Create(
                new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer), Ansi = AnsiSupport.No }
            );
            int status = DataCommand
                .Create()
                .Parse(arguments)
                .Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
            return (status, writer.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
            AnsiConsole.Console = console;
        }
    }

    private void Put(string to, string fixture)
    {
        string path = Path.Combine(_images, to);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Copy(Path.Combine(ImageFiles.Folder, fixture), path);
    }
}
