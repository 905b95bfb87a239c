using System.Diagnostics;
using Xunit;

namespace PatchKit.Tests.Torch.Mends;

/// <summary>environment/torchsharp/TorchSharp.targets where something is not as it knows it.</summary>
[Trait("speed", "seconds")]
public sealed class MendingTests : IDisposable
{
    private static readonly string s_targets = Checkout.Path("environment", "torchsharp", "TorchSharp.targets");
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-mending-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("0.107.0", "linux-x64", "")]
    [InlineData(
        "0.106.0",
        "linux-x64",
        "TorchSharp 0.106.0 was restored, but environment/torchsharp mends TorchSharp 0.107.0: ask for that "
            + "version in Directory.Packages.props"
    )]
    [InlineData(
        "0.107.0",
        "",
        "wrong has TorchSharp but no RuntimeIdentifier, so that libtorch would be unpacked for every "
            + "platform: set UseCurrentRuntimeIdentifier to true in it."
    )]
    public void AnotherVersionOrNoPlatformStopsTheBuildInASentence(string version, string platform, string sentence)
    {
        string project = Path.Combine(_folder, "wrong.proj");
        File.WriteAllText(
            project,
            $"""
            <Project>
              <PropertyGroup>
                <RuntimeIdentifier>{platform}</RuntimeIdentifier>
                <ArtifactsPath>{_folder}</ArtifactsPath>
              </PropertyGroup>
              <ItemGroup>
                <RuntimeCopyLocalItems
                  Include="TorchSharp.dll" NuGetPackageId="TorchSharp" NuGetPackageVersion="{version}" />
              </ItemGroup>
              <Target Name="ResolvePackageAssets" />
              <Import Project="{s_targets}" />
            </Project>
            """
        );
        var (code, output) = Run("msbuild", project, "-t:ResolvePackageAssets", "-nodeReuse:false", "-nologo");
        Assert.Equal(sentence == "", code == 0);
        Assert.Contains(sentence, output);
    }

    // TorchSharp's own answer to a library that is not there is to copy the packages beside the program: 500 MB, and
    // then it fails all the same.
    [Fact]
    public void ALibraryThatCannotBeLoadedIsSaidAndNothingIsCopied()
    {
        foreach (
            string file in Directory
                .EnumerateFiles(AppContext.BaseDirectory)
                .Where(file => Path.GetExtension(file) is ".dll" or ".json")
        )
        {
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        }
        var (_, output) = Run(Path.Combine(_folder, "PatchKit.dll"), "doctor");
        Assert.Contains("libLibTorchSharp.so: cannot open shared object file", output);
        Assert.Empty(Directory.EnumerateDirectories(_folder));
    }

    private static (int Code, string Output) Run(params string[] arguments)
    {
        string dotnet =
            Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        using var process = Process.Start(
            new ProcessStartInfo(dotnet, arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
