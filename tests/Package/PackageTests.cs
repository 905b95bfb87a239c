using System.Diagnostics;
using System.IO.Compression;
using System.Xml.Linq;
using PatchKit.Tests.Golden;
using PatchKit.Tests.Notebooks;
using Xunit;

namespace PatchKit.Tests.Package;

/// <summary>PatchKit.nupkg: what is in it, and that a fresh project and an empty notebook need nothing else.</summary>
[Trait("speed", "slow"), Trait("needs", "feed")]
public sealed class PackageTests(ITestOutputHelper output, PackageTests.Feed feed) : IClassFixture<PackageTests.Feed>
{
    // Three steps of each family. What the mends are seen by: the mark of the weaver, and a wrong shape that is an exception and not the end of the process.
    private const string Steps = """
        foreach (nn.Module<Tensor, Tensor> model in new nn.Module<Tensor, Tensor>[] { SmallNet.Adventurer(16, 4, 4).Create(), SmallNet.Vit(16, 4, 4).Create() })
        {
            var optimizer = new FusedAdamW(model.parameters(), lr: 1e-3);
            Tensor images = randn([8, 3, 16, 16]), labels = randint(0, 4, [8]);
            for (int step = 0; step < 3; step++)
            {
                using var scope = NewDisposeScope();
                var loss = nn.functional.cross_entropy(model.call(images), labels);
                optimizer.zero_grad();
                loss.backward();
                optimizer.step();
                Console.WriteLine($"{model.GetType().Name} step {step}: loss {loss.item<float>():0.000}");
            }
        }
        Console.WriteLine($"composed: [{string.Join(", ", Engine.ComposedOperators(CPU))}]");
        Console.WriteLine($"woven: {typeof(torch).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Any(mark => mark.Key == "Woven")}");
        try { ones(2, 3).matmul(ones(4, 5)); } catch (ExternalException e) { Console.WriteLine($"refused: {e.Message.Split('\n')[0]}"); }
        Console.WriteLine($"counts: {Engine.CountsTensors}");
        """;

    private const string Usings = """
        using System.Reflection;
        using System.Runtime.InteropServices;
        using PatchKit;
        using PatchKit.Models;
        using TorchSharp;
        using static TorchSharp.torch;
        """;

    [Fact]
    public void HoldsTheLibraryItsDocumentationAndItsNatives()
    {
        using var package = ZipFile.OpenRead(feed.Package);
        string[] names = [.. package.Entries.Select(entry => entry.FullName)];
        output.WriteLine(string.Join('\n', package.Entries.Select(entry => $"{entry.Length,10:N0} {entry.FullName}")));
        Assert.Superset(new HashSet<string>
        {
            "lib/net10.0/PatchKit.dll", "lib/net10.0/PatchKit.xml", "lib/net10.0/PatchKit.pdb", "runtimes/linux-x64/native/libpatchkit.so", "buildTransitive/PatchKit.targets",
            "mended/TorchSharp.dll", "mended/linux-x64/TorchSharp.dll", "mended/linux-x64/libLibTorchSharp.so", "mended/linux-x64/libRawTorchSharp.so", "README.md", "LICENSE", "NOTICE.txt", "icon.png",
        }, names.ToHashSet());
        using var description = package.GetEntry("PatchKit.nuspec")!.Open();
        var nuspec = XDocument.Load(description).Descendants().ToLookup(element => element.Name.LocalName);
        Assert.Contains(nuspec["dependency"], dependency => (string?)dependency.Attribute("id") == "TorchSharp-cpu" && (string?)dependency.Attribute("version") == Engine.TorchSharpVersion);
        Assert.DoesNotContain(nuspec["dependency"], dependency => (string?)dependency.Attribute("id") == "Mono.Cecil");
        Assert.Equal(("README.md", "LICENSE", "icon.png"), (nuspec["readme"].Single().Value, nuspec["license"].Single().Value, nuspec["icon"].Single().Value));
    }

    [Fact]
    public void AFreshProjectTrainsWithTheFusedScanAndTheMends()
    {
        File.WriteAllText(feed["app.csproj"], $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <UseCurrentRuntimeIdentifier>true</UseCurrentRuntimeIdentifier>
                <SelfContained>false</SelfContained>
                <RestoreAdditionalProjectSources>{feed.Folder}</RestoreAdditionalProjectSources>
              </PropertyGroup>
              <ItemGroup><PackageReference Include="PatchKit" Version="{feed.Version}" /></ItemGroup>
            </Project>
            """);
        File.WriteAllText(feed["Program.cs"], $"{Usings}\n{Steps}");
        var (code, said) = Feed.Run("dotnet", feed.Folder, "run", "--project", feed["app.csproj"], "-c", "Release");
        output.WriteLine(said);
        Assert.Equal(0, code);
        Holds(said);
    }

    [Fact]
    public void AnEmptyNotebookTrainsToo()
    {
        Assert.SkipUnless(File.Exists(NotebookTests.Desk.Kernel), "bin/csnotebook is built by environment/setup.sh");
        string[] cells = [$"#i \"nuget:{feed.Folder}\"\n#r \"nuget: PatchKit, {feed.Version}\"", Usings, Steps];
        File.WriteAllText(feed["blank.ipynb"], System.Text.Json.JsonSerializer.Serialize(new
        {
            nbformat = 4,
            nbformat_minor = 5,
            metadata = new { kernelspec = new { name = "csnotebook", display_name = "C#", language = "C#" } },
            cells = cells.Select((source, i) => new { cell_type = "code", id = $"cell-{i}", metadata = new { }, source, outputs = Array.Empty<object>(), execution_count = (int?)null }),
        }));
        var (code, said) = Feed.Run(NotebookTests.Desk.Kernel, feed.Folder, "run", feed["blank.ipynb"], "--out", feed["ran.ipynb"]);
        string shown = File.ReadAllText(feed["ran.ipynb"]); // what the cells print stands in none of them
        output.WriteLine(said + shown);
        Assert.Equal(0, code);
        Holds(shown);
    }

    private static void Holds(string said)
    {
        Assert.Contains("Adventurer step 2: loss ", said);
        Assert.Contains("VisionTransformer step 2: loss ", said);
        Assert.Contains("composed: []", said);
        Assert.Contains("woven: True", said);
        Assert.Contains("refused: mat1 and mat2 shapes cannot be multiplied", said);
        Assert.Contains("counts: True", said);
    }

    /// <summary>A folder with the package, under a version of its own, which the cache of packages forgets at the end.</summary>
    public sealed class Feed : IDisposable
    {
        private static readonly string s_home = Path.GetFullPath(Path.Combine(GoldenFile.Folder, "..", ".."));
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("patchkit-package-");

        public Feed()
        {
            Version = $"0.0.0-test.{Environment.ProcessId}.{Environment.TickCount64}";
            var (code, said) = Run("dotnet", s_home, "pack", "PatchKit.csproj", "-c", "Release", $"-p:PackageVersion={Version}", "-p:FillBin=false", "-o", Folder, "-nodeReuse:false", "-p:UseSharedCompilation=false");
            Assert.True(code == 0, said);
        }

        public string Version { get; }

        public string Folder => _folder.FullName;

        public string Package => this[$"PatchKit.{Version}.nupkg"];

        public string this[string name] => Path.Combine(Folder, name);

        public static (int Code, string Said) Run(string program, string folder, params string[] arguments)
        {
            var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment.Remove("PATCHKIT_NATIVE"); // the package's own is meant
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            string said = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, said + errors.Result);
        }

        public void Dispose()
        {
            _folder.Delete(recursive: true);
            string cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
            string cached = Path.Combine(cache, "patchkit", Version);
            if (Directory.Exists(cached)) Directory.Delete(cached, recursive: true);
        }
    }
}
