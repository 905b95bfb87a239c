using System.Diagnostics.CodeAnalysis;

namespace CsNotebook.Engine;

/// <summary>
/// What a cell calls where it says <c>Environment.Exit</c> or <c>Environment.FailFast</c>: the process is not its own.
/// </summary>
public static class CellExit
{
    /// <summary>Refuses to end the process.</summary>
    [DoesNotReturn]
    public static void Exit(int exitCode) =>
        throw new InvalidOperationException(
            $"Environment.Exit({exitCode}) would end the kernel, and with it every variable; end a cell by "
                + "return, or by throw where it failed."
        );

    /// <summary>Refuses to end the process.</summary>
    [DoesNotReturn]
    public static void FailFast(string? message, Exception? exception = null) =>
        throw new InvalidOperationException(
            "Environment.FailFast would end the kernel, and with it every variable; throw an exception "
                + $"instead. It said: {message}",
            exception
        );
}
