using System.CommandLine;
using System.Runtime.InteropServices;
using CsNotebook.Cli;

namespace CsNotebook.Jupyter;

/// <summary><c>csnotebook start</c>: what Jupyter calls.</summary>
internal static class StartCommand
{
    public static Command Create()
    {
        var file = new Option<FileInfo>("--connection-file", "-f") { Description = "The front end's connection file", Required = true };
        var command = new Command("start", "Serve a Jupyter front end (Jupyter and VS Code call this themselves)") { file };
        command.SetAction(parsed => Sentences.Guard(() => Serve(parsed.GetRequiredValue(file).FullName)));
        return command;
    }

    private static int Serve(string path)
    {
        // Once a cell has run, Console leads to cells.
        using var kernel = new JupyterKernel(ConnectionFile.Load(path), Console.Error);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = true;
            kernel.Interrupt();
        });
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            kernel.Shutdown();
        });
        using var parent = ParentWatch.Start(kernel.Shutdown);
        kernel.Run();
        return 0;
    }
}
