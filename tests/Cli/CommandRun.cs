using System.CommandLine;
using Spectre.Console;

namespace PatchKit.Tests.Cli;

/// <summary>A command that was run in this process: its exit code and what it wrote.</summary>
internal sealed record CommandRun(int Code, string Output, string Errors)
{
    internal static CommandRun Of(Command command, params string[] arguments)
    {
        var (output, errors, tables) = (Console.Out, Console.Error, AnsiConsole.Console);
        using StringWriter written = new(),
            complained = new();
        try
        {
            Console.SetOut(written);
            Console.SetError(complained);
            AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(written) });
            int code = command
                .Parse(arguments)
                .Invoke(
                    new InvocationConfiguration
                    {
                        EnableDefaultExceptionHandler = false,
                        Output = written,
                        Error = complained,
                    }
                );
            return new CommandRun(code, written.ToString(), complained.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
            AnsiConsole.Console = tables;
        }
    }
}
