using System.CommandLine;
using System.CommandLine.Help;
using PatchKit.Cli;

// Not a RootCommand: that one would call itself after its file, PatchKit.
var root = new Command("patchkit", "PatchKit reproduces \"Scaling Laws in Patchification: An Image Is Worth 50,176 Tokens And More\" in C#.")
{
    new HelpOption(),
    new VersionOption(),
    DoctorCommand.Create(),
    ListCommand.Create(),
    RunCommand.Create(),
    PlanCommand.Create(),
    ReportCommand.Create(),
    RecordCommand.Create(),
    TrainCommand.Create(),
    LaunchCommand.Create(),
    RunsCommand.Create(),
    EvalCommand.Create(),
    PredictCommand.Create(),
    DataCommand.Create(),
    ModelsCommand.Create(),
    InspectCommand.Create(),
    ConvertCommand.Create(),
    BenchCommand.Create(),
};

try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("patchkit: cancelled.");
    return CtrlC.ExitCode;
}
catch (Exception e) when (Environment.GetEnvironmentVariable("PATCHKIT_TRACE") is null)
{
    Console.Error.WriteLine($"patchkit: {e.Message} (PATCHKIT_TRACE=1 shows where.)");
    return 1;
}
