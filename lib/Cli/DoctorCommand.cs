using System.CommandLine;
using System.Text.Json;
using PatchKit.Training;
using Spectre.Console;

namespace PatchKit.Cli;

/// <summary>
/// `patchkit doctor`: what this machine has, line by line, with the fix in a sentence. Exit code 0 unless something is
/// broken, or the device that was asked for is not there.
/// </summary>
internal static class DoctorCommand
{
    internal static Command Create()
    {
        var device = new Option<string>("--device")
        {
            Description = "what has to be there: cpu, cuda or cuda:1",
            DefaultValueFactory = _ => "cpu",
        };
        var json = new Option<bool>("--json") { Description = "print the lines as JSON" };
        var command = new Command(
            "doctor",
            "Check .NET, TorchSharp, libtorch, kernels, threads and GPU; say how to fix what is wrong."
        )
        {
            device,
            json,
        };
        command.SetAction(parsed =>
        {
            int code = Report(parsed.GetValue(json));
            Devices.Open(parsed.GetValue(device)!);
            return code;
        });
        return command;
    }

    private static int Report(bool json)
    {
        var checks = Doctor.Examine().ToList();
        if (json)
            Console.WriteLine(
                JsonSerializer.Serialize(
                    checks.Select(c => new
                    {
                        c.Name,
                        Standing = c.Standing.ToString(),
                        c.Found,
                        c.Fix,
                    }),
                    CommandJson.Indented
                )
            );
        else
            foreach (var check in checks)
                Print(check);
        return checks.Any(c => c.Standing == Standing.Broken) ? 1 : 0;
    }

    private static void Print(Check check)
    {
        var (word, colour) = check.Standing switch
        {
            Standing.Ok => ("ok", "green"),
            Standing.Degraded => ("degraded", "yellow"),
            _ => ("broken", "red"),
        };
        // One line each, whatever the terminal's width: people grep it and paste it into issues.
        if (Console.IsOutputRedirected)
            Console.Write($"{word, -9}");
        else
            AnsiConsole.Markup($"[{colour}]{word, -9}[/]");
        Console.WriteLine($"{check.Name, -15}{check.Found}");
        if (check.Fix.Length > 0)
            Console.WriteLine($"{"", -24}-> {check.Fix}");
    }
}
