using System.CommandLine;
using PatchKit.Cli;

var root = new RootCommand("PatchKit reproduces \"Scaling Laws in Patchification: An Image Is Worth 50,176 Tokens And More\" in C#.")
{
    DoctorCommand.Create(),
    BenchCommand.Create(),
    ModelsCommand.Create(),
    InspectCommand.Create(),
    ConvertCommand.Create(),
    RunCommand.Create(),
};

try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("patchkit: cancelled.");
    return 130;
}
catch (Exception e) when (Environment.GetEnvironmentVariable("PATCHKIT_TRACE") is null)
{
    Console.Error.WriteLine($"patchkit: {e.Message} (PATCHKIT_TRACE=1 shows where.)");
    return 1;
}
