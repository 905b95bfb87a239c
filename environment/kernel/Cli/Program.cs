using System.CommandLine;
using CsNotebook.Cli;

var root = new RootCommand("C# notebooks: run them without Jupyter, or in Jupyter.")
{
    RunCommand.Create(), ReleaseCommand.Create(), BenchCommand.Create(),
};
int code = await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
// Threads that a cell left behind must not keep the process.
Environment.Exit(code);
