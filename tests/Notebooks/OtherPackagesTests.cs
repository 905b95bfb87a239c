using System.Diagnostics;
using System.Text.Json;
using PatchKit.Tests.Checkpoints;
using Xunit;

namespace PatchKit.Tests.Notebooks;

/// <summary>
/// A session in which cells reference other packages that use TorchSharp, beside PatchKit: one TorchSharp, one
/// libtorch, and tensors pass both ways.
/// </summary>
[Trait("needs", "feed"), Trait("work", "processes")]
public sealed class OtherPackagesTests : IDisposable
{
    private static readonly string s_bin = NotebookTests.Desk.Kernel[..^"/csnotebook".Length];

    private static readonly string s_references = $"""
        #r "{s_bin}/TorchSharp.dll"
        #r "{s_bin}/PatchKit.dll"
        using System.IO;
        using TorchSharp;
        using static TorchSharp.torch;
        using PatchKit.Checkpoints;
        using PatchKit.Models;
        """;

    private const string Loaded = """
        string[] Files(string name)
        {
            var lines = File.ReadLines("/proc/self/maps").Where(line => line.EndsWith("/" + name));
            return [.. lines.Select(line => line[line.IndexOf('/')..]).Distinct()];
        }
        var loaded = AppDomain.CurrentDomain.GetAssemblies();
        int assemblies = loaded.Count(assembly => assembly.GetName().Name == "TorchSharp");
        var copies = Directory
            .EnumerateFiles(Path.GetDirectoryName(typeof(torch).Assembly.Location))
            .Where(file => new FileInfo(file) is { LinkTarget: null, Length: > 100_000_000 });
        $"{assemblies} TorchSharp, libtorch {string.Join(" ", Files("libtorch_cpu.so"))}, {copies.Count()} copies"
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("patchkit-packages-");

    [Fact]
    public void TorchVisionTransformsWhatAModelTakes()
    {
        var shown = Run(
            "TorchVision",
            s_references,
            "#r \"nuget: TorchVision, 0.107.0\"",
            """
            var vit = SmallNet.Vit(imageSize: 16, patchSize: 4, classes: 4).Create();
            var resized = torchvision.transforms.Resize(16, 16).call(rand(2, 3, 40, 40));          // of ours, by theirs
            var flipped = torchvision.transforms.HorizontalFlip().call(resized);
            $"{string.Join(" ", vit.call(resized).shape)}, {flipped.eq(resized.flip(-1)).all().item<bool>()}"
            """,
            Loaded
        );
        Assert.Equal("Installed TorchVision 0.107.0", shown[1]);
        Assert.Equal("2 4, True", shown[2]);
        AssertOneOfEach(shown[3]);
    }

    [Fact]
    public void PyBridgeLoadsWhatPyTorchAndItselfSavedIntoAModel()
    {
        var shown = Run(
            "TorchSharp.PyBridge",
            s_references,
            "#r \"nuget: TorchSharp.PyBridge, 1.4.4\"\nusing System.Collections;\nusing TorchSharp.PyBridge;",
            $$"""
            string saved = "{{Fixtures.PathOf("models/vit.pth")}}", written = "{{Path.Combine(
                _folder.FullName,
                "vit.pth"
            )}}";
            VisionTransformer Fresh() => new(new()
            {
                Height = 32, Width = 32, PatchSize = 4, EmbedDim = 48, Depth = 3, Heads = 3, Classes = 10,
            });
            var (ours, theirs, again) = (Fresh(), Fresh(), Fresh());
            using (var file = TorchCheckpoint.Open(saved))
                ModelCheckpoint.Load(ours, file.StateDict(), source: saved).ExpectExact();
            var read = (Hashtable)PyTorchUnpickler.UnpickleStateDict(saved)["model"];
            var entries = read.Cast<DictionaryEntry>();
            theirs.load_state_dict(entries.ToDictionary(entry => (string)entry.Key, entry => (Tensor)entry.Value));
            theirs.save_py(written);
            again.load_py(written);
            var image = rand(1, 3, 32, 32);
            double Off(Backbone other) => (ours.call(image) - other.call(image)).abs().max().item<float>();
            $"{Off(theirs)} {Off(again)}"
            """,
            Loaded
        );
        Assert.Equal("Installed TorchSharp.PyBridge 1.4.4", shown[1]);
        Assert.Equal("0 0", shown[2]);
        AssertOneOfEach(shown[3]);
    }

    [Fact]
    public void ThePackageItselfIsHereAlready()
    {
        var shown = Run(
            "TorchSharp",
            s_references,
            "#r \"nuget: TorchSharp, 0.107.0\"",
            "ones(2).sum().item<float>()",
            Loaded
        );
        Assert.Equal($"TorchSharp 0.107.0 is here already: {s_bin}/TorchSharp.dll", shown[1]);
        Assert.Equal("2", shown[2]);
        AssertOneOfEach(shown[3]);
    }

    private const string Whole = """
        using Microsoft.Data.Analysis;
        using PatchKit.Display.Figures;
        using PatchKit.Display.Tables;
        using Plotly.NET;
        var shown = display("before");
        DataFrame frame = Table.Of("", ["a", "b"], [["x", 1], ["y", null]]).ToDataFrame();
        GenericChart chart = new Panel(new Axis("x"), new Axis("y")).Line("a", [1, 2], [3, 4]).ToPlotlyNet();
        shown.Update("after");
        int Copies(string name) =>
            AppDomain.CurrentDomain.GetAssemblies().Count(assembly => assembly.GetName().Name == name);
        var names = new[] { "Plotly.NET", "FSharp.Core", "Microsoft.Data.Analysis" };
        $"{frame["b"].NullCount}, {string.Join(" ", names.Select(Copies))}, {Copies("Newtonsoft.Json") > 1}"
        """;

    /// <summary>What lies beside PatchKit.dll is what a package of that name is, whichever came first.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public void ChartsAndDataFramesAreOneWithTheirPackages(bool packagesLast)
    {
        string packages = "#r \"nuget: Plotly.NET, 6.0.0\"\n#r \"nuget: Microsoft.Data.Analysis, 0.23.1\"";
        string[] first = packagesLast ? [s_references, packages] : [packages, s_references];
        string[] shown = Run("Plotly.NET", [.. first, Whole, "chart", "frame"]);
        string origin = shown[packagesLast ? 1 : 0];
        if (packagesLast)
            Assert.Contains($"Plotly.NET 6.0.0 is here already: {s_bin}/Plotly.NET.dll", origin);
        else
            Assert.Contains("Installed Plotly.NET 6.0.0", origin);
        Assert.EndsWith("1, 1 1 1, False", shown[2]);
        Assert.Contains("Chart: ", shown[3]); // the page's plotly.js is told of before it
        Assert.StartsWith("a  b", shown[4]);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static void AssertOneOfEach(string loaded) =>
        Assert.Equal($"1 TorchSharp, libtorch {s_bin}/libtorch_cpu.so, 0 copies", loaded);

    /// <summary>What the cells show, each as text; skipped where the feed has the package not.</summary>
    private string[] Run(string package, params string[] cells)
    {
        Assert.SkipUnless(File.Exists(NotebookTests.Desk.Kernel), "bin/csnotebook is built by environment/setup.sh");
        string file = Path.Combine(_folder.FullName, "cells.ipynb"),
            saved = Path.Combine(_folder.FullName, "saved.ipynb");
        File.WriteAllText(
            file,
            JsonSerializer.Serialize(
                new
                {
                    cells = cells.Select(cell => new
                    {
                        cell_type = "code",
                        metadata = new { },
                        source = cell,
                        outputs = Array.Empty<object>(),
                        execution_count = (int?)null,
                    }),
                    metadata = new
                    {
                        kernelspec = new
                        {
                            name = ".net-csharp",
                            display_name = ".NET (C#)",
                            language = "C#",
                        },
                    },
                    nbformat = 4,
                    nbformat_minor = 4,
                }
            )
        );
        using var process = Process.Start(
            new ProcessStartInfo(NotebookTests.Desk.Kernel, ["run", file, "--out", saved, "--allow-errors"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var (written, complained) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, complained.Result);
        var notebook = SavedNotebook.Load(saved);
        string[] errors = [.. notebook.Cells.SelectMany(cell => cell.Errors)];
        Assert.SkipWhen(
            errors.Any(error => error.Contains($"could not restore {package}")),
            $"the feed has no {package}"
        );
        Assert.Empty(errors);
        return [.. notebook.Code.Select(cell => cell.Text)];
    }
}
