using System.CommandLine;
using CsNotebook.Cli;
using CsNotebook.Jupyter;

var root = new RootCommand("C# notebooks: run them without Jupyter, or in Jupyter.")
{
    RunCommand.Create(), ReleaseCommand.Create(), BenchCommand.Create(),
    StartCommand.Create(),
    InstallCommand.Create(), InstallCommand.CreateUninstall(),
};
int code = await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
// Threads that a cell left behind must not keep the process.
Environment.Exit(code);
