using System.CommandLine;
using System.CommandLine.Help;

namespace PatchKit.Cli;

/// <summary>The command `patchkit`: its verbs, and the one sentence that each failure ends with.</summary>
internal static class CommandLine
{
    /// <summary>All verbs.</summary>
    // Not a RootCommand: that one would call itself after its file, PatchKit.
    internal static Command Create() =>
        new(
            "patchkit",
            "PatchKit reproduces \"Scaling Laws in Patchification: An Image Is Worth 50,176 Tokens And More\" in C#."
        )
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

    /// <summary>
    /// Runs it and gives the exit code: 0, 1 for a failure that is a sentence on standard error, or 130 where it was
    /// stopped.
    /// </summary>
    /// <param name="arguments">as a shell gives them.</param>
    internal static int Run(params string[] arguments)
    {
        try
        {
            var parsed = Create().Parse(arguments);
            if (ParseSentence.Of(parsed) is { } sentence)
                return Failed(sentence);
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("patchkit: cancelled.");
            return CtrlC.ExitCode;
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("PATCHKIT_TRACE") is null)
        {
            return Failed($"{FailureSentence.Of(e)} (PATCHKIT_TRACE=1 shows where.)");
        }
    }

    private static int Failed(string sentence)
    {
        Console.Error.WriteLine($"patchkit: {sentence}");
        return 1;
    }
}
