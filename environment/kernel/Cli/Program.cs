using System.CommandLine;
using CsNotebook.Cli;

var root = new RootCommand("C# notebooks: run them without Jupyter, or in Jupyter.")
{
    RunCommand.Create(),
    ReleaseCommand.Create(),
    SiteCommand.Create(),
    BenchCommand.Create(),
    StartCommand.Create(),
    StdioCommand.Create(),
    InstallCommand.Create(),
    InstallCommand.CreateUninstall(),
};
var parsed = root.Parse(args);
int code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
if (parsed.Errors.Count > 0)
    code = Sentences.Usage;

// Threads that a cell left behind must not keep the process.
Environment.Exit(code);
