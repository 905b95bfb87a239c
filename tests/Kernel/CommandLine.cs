using System.Diagnostics;
using CsNotebook.Engine;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>The program in a process of its own.</summary>
internal static class CommandLine
{
    /// <summary>Starts it.</summary>
    public static Process Start(params string[] arguments) =>
        Process.Start(
            new ProcessStartInfo("dotnet", [typeof(CSharpSession).Assembly.Location, .. arguments])
            {
                RedirectStandardError = true,
            }
        )!;

    /// <summary>Runs it to its end; its exit code, and what it wrote to stderr.</summary>
    public static async Task<(int Code, string Error)> Run(params string[] arguments)
    {
        using var process = Start(arguments);
        string error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, error);
    }
}
