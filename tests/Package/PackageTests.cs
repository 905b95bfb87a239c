using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using PatchKit.Tests.Notebooks;
using PatchKit.Torch;
using Xunit;

namespace PatchKit.Tests.Package;

/// <summary>PatchKit.nupkg: what is in it, and that a fresh project and an empty notebook need nothing else.</summary>
[Trait("needs", "feed"), Trait("work", "processes")]
public sealed class PackageTests(ITestOutputHelper output, PackageTests.Feed feed) : IClassFixture<PackageTests.Feed>
{
    private const string Usings = """
        using System.Reflection;
        using System.Runtime.InteropServices;
        using PatchKit.Models;
        using PatchKit.Torch;
        using TorchSharp;
        using static TorchSharp.torch;
        """;

    // Three steps of each family. What the mends are seen by: the mark of the weaver, and a wrong shape that is an
    // exception and not the end of the process.
    private const string Steps = """
        nn.Module<Tensor, Tensor>[] models = [SmallNet.Adventurer(16, 4, 4).Create(), SmallNet.Vit(16, 4, 4).Create()];
        foreach (var model in models)
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
        var marks = typeof(torch).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>();
        var ask = typeof(Engine).GetMethod("ComposedOperators", BindingFlags.NonPublic | BindingFlags.Static)!;
        Console.WriteLine($"composed: [{string.Join(", ", (IEnumerable<string>)ask.Invoke(null, [CPU])!)}]");
        Console.WriteLine($"woven: {marks.Any(mark => mark.Key == "Woven")}");
        Console.WriteLine($"counts: {Engine.CountsTensors}");
        try { ones(2, 3).matmul(ones(4, 5)); }
        catch (ExternalException e) { Console.WriteLine($"refused: {e.Message.Split('\n')[0]}"); }
        """;

    [Fact]
    public void HoldsTheLibraryItsDocumentationAndItsNatives()
    {
        using var package = ZipFile.OpenRead(feed.Package());
        output.WriteLine(string.Join('\n', package.Entries.Select(entry => $"{entry.Length, 10:N0} {entry.FullName}")));
        string[] expected =
        [
            "lib/net10.0/PatchKit.dll",
            "lib/net10.0/PatchKit.xml",
            "lib/net10.0/PatchKit.pdb",
            "runtimes/linux-x64/native/libpatchkit.so",
            "buildTransitive/PatchKit.targets",
            "mended/TorchSharp.dll",
            "mended/linux-x64/TorchSharp.dll",
            "mended/linux-x64/libLibTorchSharp.so",
            "mended/linux-x64/libRawTorchSharp.so",
            "README.md",
            "LICENSE",
            "NOTICE.txt",
            "icon.png",
        ];
        Assert.Empty(expected.Except(package.Entries.Select(entry => entry.FullName)));
        using var description = package.GetEntry("PatchKit.nuspec")!.Open();
        var nuspec = XDocument.Load(description).Descendants().ToLookup(element => element.Name.LocalName);
        var needs = nuspec["dependency"]
            .ToDictionary(
                dependency => (string)dependency.Attribute("id")!,
                dependency => (string)dependency.Attribute("version")!
            );
        Assert.Equal(Engine.TorchSharpVersion, needs["TorchSharp-cpu"]);
        Assert.DoesNotContain("Mono.Cecil", needs.Keys);
        Assert.Equal("README.md LICENSE icon.png", $"{Said("readme")} {Said("license")} {Said("icon")}");

        string Said(string name) => nuspec[name].Single().Value;
    }

    [Fact]
    public void AFreshProjectTrainsWithTheFusedScanAndTheMends()
    {
        feed.Package();
        File.WriteAllText(
            feed["app.csproj"],
            $"""
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
            """
        );
        File.WriteAllText(feed["Program.cs"], $"{Usings}\n{Steps}");
        Holds(Succeeds("dotnet", "run", "--project", feed["app.csproj"], "-c", "Release"));
    }

    [Fact]
    public void AnEmptyNotebookTrainsToo()
    {
        Assert.SkipUnless(File.Exists(NotebookTests.Desk.Kernel), "bin/csnotebook is built by environment/setup.sh");
        feed.Package();
        string[] cells = [$"#i \"nuget:{feed.Folder}\"\n#r \"nuget: PatchKit, {feed.Version}\"", Usings, Steps];
        File.WriteAllText(
            feed["blank.ipynb"],
            JsonSerializer.Serialize(
                new
                {
                    nbformat = 4,
                    nbformat_minor = 5,
                    metadata = new
                    {
                        kernelspec = new
                        {
                            name = ".net-csharp",
                            display_name = ".NET (C#)",
                            language = "C#",
                        },
                    },
                    cells = cells.Select(
                        (source, i) =>
                            new
                            {
                                cell_type = "code",
                                id = $"cell-{i}",
                                metadata = new { },
                                source,
                                outputs = Array.Empty<object>(),
                                execution_count = (int?)null,
                            }
                    ),
                }
            )
        );
        Succeeds(NotebookTests.Desk.Kernel, "run", feed["blank.ipynb"], "--out", feed["ran.ipynb"]);
        var outputs = JsonDocument
            .Parse(File.ReadAllBytes(feed["ran.ipynb"]))
            .RootElement.GetProperty("cells")[2]
            .GetProperty("outputs")
            .EnumerateArray();
        string shown = string.Concat(
            outputs
                .Where(shown => shown.TryGetProperty("text", out _))
                .SelectMany(shown => shown.GetProperty("text").EnumerateArray().Select(line => line.GetString()))
        );
        output.WriteLine(shown);
        Holds(shown);
    }

    // The one that is given away: for every processor with AVX2, and it wants no system's libjpeg and libpng.
    [Fact, Trait("speed", "slow")]
    public void ItsNativeIsForEveryMachine()
    {
        Everything.OrSkip();
        using var package = ZipFile.OpenRead(feed.Package(native: null));
        using var bytes = new MemoryStream();
        using (var packed = package.GetEntry("runtimes/linux-x64/native/libpatchkit.so")!.Open())
            packed.CopyTo(bytes);
        string text = Encoding.Latin1.GetString(bytes.ToArray());
        Assert.Contains("pk_ssd_scan_forward", text);
        Assert.DoesNotContain("libjpeg.so", text);
        Assert.DoesNotContain("libpng16.so", text);
    }

    private static void Holds(string said)
    {
        Assert.Contains("Adventurer step 2: loss ", said);
        Assert.Contains("VisionTransformer step 2: loss ", said);
        Assert.Contains("composed: []", said);
        Assert.Contains("woven: True", said);
        Assert.Contains("counts: True", said);
        Assert.Contains("refused: mat1 and mat2 shapes cannot be multiplied", said);
    }

    private string Succeeds(string program, params string[] arguments)
    {
        var clock = Stopwatch.StartNew();
        var (code, said) = Feed.Run(program, feed.Folder, arguments);
        output.WriteLine($"{clock.Elapsed.TotalSeconds:0} s\n{said}");
        Assert.Equal(0, code);
        return said;
    }

    /// <summary>A folder with the package, under a version of its own, which the cache of packages forgets.</summary>
    public sealed class Feed : IDisposable
    {
        private static readonly string s_home = Tests.Checkout.Home;
        private static readonly string s_native = Path.Combine(s_home, "bin", "libpatchkit.so");
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("patchkit-package-");

        public string Version { get; } = $"0.0.0-test.{Environment.ProcessId}.{Environment.TickCount64}";

        public string Folder => _folder.FullName;

        public string this[string name] => Path.Combine(Folder, name);

        /// <summary>Packs what is built, once, with the libpatchkit that is here.</summary>
        public string Package()
        {
            Assert.SkipUnless(File.Exists(s_native), "the package is made where lib/Native was built");
            return File.Exists(Packed(Folder)) ? Packed(Folder) : Package(s_native);
        }

        /// <summary>Packs what is built.</summary>
        /// <param name="native">the libpatchkit to take; null to build the one that is given away.</param>
        public string Package(string? native)
        {
            string folder = native is null ? this["whole"] : Folder;
            var (code, said) = Run(
                "dotnet",
                s_home,
                "pack",
                "PatchKit.csproj",
                "-c",
                "Release",
                "--no-build",
                "-o",
                folder,
                $"-p:PackageVersion={Version}",
                $"-p:PackagedNative={native}",
                "-nodeReuse:false"
            );
            Assert.True(code == 0, said);
            return Packed(folder);
        }

        public static (int Code, string Said) Run(string program, string folder, params string[] arguments)
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
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
            string cache =
                Environment.GetEnvironmentVariable("NUGET_PACKAGES")
                ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
            string cached = Path.Combine(cache, "patchkit", Version);
            if (Directory.Exists(cached))
                Directory.Delete(cached, recursive: true);
        }

        private string Packed(string folder) => Path.Combine(folder, $"PatchKit.{Version}.nupkg");
    }
}
