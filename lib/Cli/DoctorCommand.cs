using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace PatchKit.Cli;

/// <summary>`patchkit doctor`: what this machine has, line by line, with the fix in a sentence. Exit code 0 unless something is broken.</summary>
internal static class DoctorCommand
{
    internal static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "print the lines as JSON" };
        var losses = new Option<bool>("--losses") { Description = "train the small float64 network of the check for 20 steps and print its losses" };
        var command = new Command("doctor", "Check .NET, libtorch, threads, GPU and native library; say how to fix what is wrong.") { json, losses };
        command.SetAction(parsed => parsed.GetValue(losses) ? PrintLosses() : Report(parsed.GetValue(json)));
        return command;
    }

    private static int PrintLosses()
    {
        foreach (double loss in SmallNetwork.Train(steps: 20)) Console.WriteLine(loss.ToString("R", CultureInfo.InvariantCulture));
        return 0;
    }

    private static int Report(bool json)
    {
        var checks = Doctor.Examine().ToList();
        if (json) Console.WriteLine(JsonSerializer.Serialize(checks.Select(c => new { c.Name, Standing = c.Standing.ToString(), c.Found, c.Fix }), new JsonSerializerOptions { WriteIndented = true }));
        else foreach (var check in checks) Print(check);
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
        if (Console.IsOutputRedirected) Console.Write($"{word,-9}");
        else AnsiConsole.Markup($"[{colour}]{word,-9}[/]");
        Console.WriteLine($"{check.Name,-15}{check.Found}");
        if (check.Fix.Length > 0) Console.WriteLine($"{"",-24}-> {check.Fix}");
    }
}
