using System.Text.Json.Nodes;
using CsNotebook.Jupyter;
using Xunit;

namespace CsNotebook.Tests.Jupyter;

/// <summary>Kernel folders are written and removed, and nobody else's are touched.</summary>
public sealed class InstallTests : IDisposable
{
    private readonly string prefix = Directory.CreateTempSubdirectory("csnotebook-test-").FullName;

    private string Kernels => KernelSpecs.PrefixFolder(prefix);

    public void Dispose() => Directory.Delete(prefix, recursive: true);

    [Fact]
    public void A_kernel_is_installed_under_its_own_name()
    {
        Assert.Contains(Path.Combine(Kernels, "csnotebook"), KernelSpecs.Install(Kernels, "csnotebook"));
        var spec = Spec("csnotebook");
        var argv = spec["argv"]!.AsArray().Select(a => (string)a!).ToList();
        Assert.True(Path.IsPathFullyQualified(argv[0]) && File.Exists(argv[0]), argv[0]);
        Assert.Equal(["start", "-f", "{connection_file}"], argv[^3..]);
        Assert.Equal(("C#", "message"), ((string?)spec["language"], (string?)spec["interrupt_mode"]));
        Assert.Equal(
            ["kernel.json", "logo-32x32.png", "logo-64x64.png", "logo-svg.svg"],
            Directory.EnumerateFiles(Path.Combine(Kernels, "csnotebook")).Select(Path.GetFileName).Order()
        );
        KernelSpecs.Install(Kernels, "csnotebook");
        KernelSpecs.Uninstall(Kernels, "csnotebook");
        Assert.Empty(Directory.EnumerateDirectories(Kernels));
    }

    [Fact]
    public void A_launcher_has_one_entry_with_its_logos()
    {
        string earlier = Directory.CreateDirectory(Path.Combine(Kernels, ".net-csharp")).FullName;
        File.WriteAllText(
            Path.Combine(earlier, "kernel.json"),
            "{ \"metadata\": { \"installed_by\": \"csnotebook\" } }"
        );
        KernelSpecs.Install(Kernels, "csnotebook");
        string folder = Assert.Single(Directory.EnumerateDirectories(Kernels));
        Assert.Equal("C# (csnotebook)", (string?)Spec("csnotebook")["display_name"]);
        Assert.Equal([137, 80, 78, 71], File.ReadAllBytes(Path.Combine(folder, "logo-64x64.png"))[..4]);
        Assert.StartsWith("<svg", File.ReadAllText(Path.Combine(folder, "logo-svg.svg")), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_kernel_of_the_notebooks_name_stays()
    {
        string other = Directory.CreateDirectory(Path.Combine(Kernels, ".net-csharp")).FullName;
        File.WriteAllText(Path.Combine(other, "kernel.json"), "{ \"argv\": [\"dotnet\", \"interactive\"] }");
        Assert.Single(KernelSpecs.Install(Kernels, "my-kernel"));
        Assert.Equal("dotnet", (string?)Spec(".net-csharp")["argv"]![0]);
        Assert.Single(KernelSpecs.Uninstall(Kernels, "my-kernel"));
        var refusal = Assert.Throws<IOException>(() => KernelSpecs.Uninstall(Kernels, ".net-csharp"));
        Assert.Contains("not csnotebook's", refusal.Message, StringComparison.Ordinal);
        Assert.True(Directory.Exists(other));
    }

    [Fact]
    public void Names_that_Jupyter_refuses_are_refused()
    {
        Assert.Throws<ArgumentException>(() => KernelSpecs.Install(Kernels, "a/b"));
        Assert.Throws<ArgumentException>(() => KernelSpecs.Install(Kernels, ".."));
        Assert.Throws<IOException>(() => KernelSpecs.Uninstall(Kernels, "absent"));
        Assert.Throws<IOException>(() => KernelSpecs.Uninstall(Kernels, ".."));
    }

    [Fact]
    public void A_connection_file_is_read_or_refused_in_a_sentence()
    {
        string path = Path.Combine(prefix, "c.json");
        var connection = new ConnectionFile("tcp", "127.0.0.1", 1, 2, 3, 4, 5, "k");
        connection.Save(path);
        Assert.Equal(connection, ConnectionFile.Load(path));
        foreach (
            var (text, sentence) in new[]
            {
                ("{}", "it has no ip"),
                ("[1]", "is not a Jupyter connection file"),
                ("nonsense", "is not a Jupyter connection file"),
                ("{\"transport\":\"pgm\"}", "pgm"),
                ("{\"signature_scheme\":\"hmac-md5\"}", "hmac-md5"),
            }
        )
        {
            File.WriteAllText(path, text);
            Assert.Contains(
                sentence,
                Assert.Throws<InvalidDataException>(() => ConnectionFile.Load(path)).Message,
                StringComparison.Ordinal
            );
        }
    }

    private JsonNode Spec(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(Kernels, name, "kernel.json")))!;
}
