using System.Diagnostics;
using Xunit;

namespace PatchKit.Tests.Platforms;

/// <summary>
/// A clone made with core.autocrlf=true, as Git for Windows sets it: scripts have LF, or bash refuses them, and what is
/// compared byte for byte is as it was.
/// </summary>
public sealed class CheckoutTests : IDisposable
{
    private static readonly string s_home = Checkout.Home;
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact, Trait("speed", "seconds")]
    public void NoFileChangesInACloneWithAutoCrlf()
    {
        Assert.SkipUnless(Path.Exists(Path.Combine(s_home, ".git")), "this is no checkout of git's");
        Run("-c", "core.autocrlf=true", "clone", "--quiet", s_home, _scratch["clone"]);
        string[] files = Run("-C", _scratch["clone"], "ls-files", "-z")
            .Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("environment/run.sh", files);
        foreach (string file in files)
        {
            byte[] there = File.ReadAllBytes(Path.Combine(_scratch["clone"], file));
            // What git keeps of it, whatever the working tree of this checkout has.
            if (file.EndsWith(".sh") || file.StartsWith(".ci/"))
                Assert.DoesNotContain((byte)'\r', there);
            if (file.StartsWith("tests/fixtures/"))
                Assert.Equal(Run("-C", _scratch["clone"], "rev-parse", $"HEAD:{file}").Trim(), Hash(there));
        }
    }

    // The name that git has for bytes.
    private static string Hash(byte[] bytes)
    {
        byte[] whole = [.. System.Text.Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes];
#pragma warning disable CA5350 // Git's own choice
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA1.HashData(whole));
#pragma warning restore CA5350
    }

    private static string Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("git", arguments) { RedirectStandardOutput = true })!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return said;
    }
}
