using System.CommandLine;
using System.Runtime.InteropServices;
using CsNotebook.Jupyter;

namespace CsNotebook.Cli;

/// <summary><c>csnotebook start</c>: what Jupyter calls.</summary>
internal static class StartCommand
{
    public static Command Create()
    {
        var file = new Option<FileInfo>("--connection-file", "-f")
        {
            Description = "The front end's connection file",
            Required = true,
        };
        var command = new Command("start", "Serve a Jupyter front end (Jupyter and VS Code call this themselves)")
        {
            file,
        };
        command.SetAction(parsed =>
            Sentences.Guard(() =>
            {
                var connection = ConnectionFile.Load(parsed.GetRequiredValue(file).FullName);
                // Once a cell has run, Console leads to cells.
                return Serve(log => new ZmqWire(connection, log), Console.Error);
            })
        );
        return command;
    }

    /// <summary>Runs a kernel on a wire until a front end or a signal ends it.</summary>
    /// <param name="open">makes the wire, from what takes its sentences.</param>
    /// <param name="log">receives a line for each thing that went wrong outside of cells.</param>
    public static int Serve(Func<Action<string>, IWire> open, TextWriter log)
    {
        using var kernel = new JupyterKernel(open, log);
        using var interrupt = PosixSignalRegistration.Create(
            PosixSignal.SIGINT,
            signal =>
            {
                signal.Cancel = true;
                kernel.Interrupt();
            }
        );
        using var terminate = PosixSignalRegistration.Create(
            PosixSignal.SIGTERM,
            signal =>
            {
                signal.Cancel = true;
                kernel.Shutdown();
            }
        );
        using var parent = ParentWatch.Start(kernel.Shutdown);
        kernel.Run();
        return 0;
    }
}
