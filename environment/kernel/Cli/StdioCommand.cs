using System.CommandLine;
using System.Runtime.InteropServices;
using CsNotebook.Jupyter;

namespace CsNotebook.Cli;

/// <summary><c>csnotebook stdio</c>: what PatchKit's extension for VS Code calls.</summary>
internal static partial class StdioCommand
{
    public static Command Create()
    {
        var command = new Command(
            "stdio",
            "Serve a front end by Jupyter's messages as lines of JSON (the VS Code extension calls this)"
        );
        command.SetAction(_ => Sentences.Guard(Serve));
        return command;
    }

    private static int Serve()
    {
        // Once a cell has run, Console leads to cells.
        var log = Console.Error;
        using var requests = Console.OpenStandardInput();
        using var messages = Console.OpenStandardOutput();
        if (!OperatingSystem.IsWindows())
            KeepForMessages();
        return StartCommand.Serve(sentences => new StdioWire(requests, messages, sentences), log);
    }

    /// <summary>
    /// The streams opened above are copies that no child inherits. What native code and the children of cells write to
    /// standard output goes to standard error from here on, where it breaks no message, and they find no input to take.
    /// </summary>
    private static void KeepForMessages()
    {
        using var nothing = File.OpenHandle("/dev/null");
        if (Dup2((int)nothing.DangerousGetHandle(), 0) < 0 || Dup2(2, 1) < 0)
        {
            throw new IOException(
                $"The standard streams cannot be kept for messages: {Marshal.GetLastPInvokeErrorMessage()} (dup2)."
            );
        }
    }

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static partial int Dup2(int from, int to);
}
