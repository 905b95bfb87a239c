using System.CommandLine;
using PatchKit.Models;
using Spectre.Console;

namespace PatchKit.Cli;

/// <summary>`patchkit models`: Table 7's models at any input and patch size, with their cost.</summary>
internal static class ModelsCommand
{
    internal static Command Create()
    {
        var input = new Option<int>("--input") { Description = "image side in pixels", DefaultValueFactory = _ => 224 };
        var patch = new Option<int>("--patch") { Description = "patch size", DefaultValueFactory = _ => 16 };
        var classes = new Option<int>("--classes")
        {
            Description = "number of classes",
            DefaultValueFactory = _ => 1000,
        };
        var command = new Command(
            "models",
            "List the paper's models with parameters, tokens, multiply-accumulates and activation memory."
        )
        {
            input,
            patch,
            classes,
        };
        command.SetAction(parsed => Print(parsed.GetValue(input), parsed.GetValue(patch), parsed.GetValue(classes)));
        return command;
    }

    private static int Print(int input, int patch, int classes)
    {
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = 160;
        var table = new Table()
            .Border(TableBorder.Simple)
            .AddColumns("model", "width", "depth", "parameters", "Table 7", "tokens", "GMACs", "activations per image");
        foreach (var preset in ModelZoo.Presets)
        {
            var config = preset.Config with { Height = input, Width = input, PatchSize = patch, Classes = classes };
            var cost = config.Cost();
            table.AddRow(
                preset.Name,
                $"{config.EmbedDim}",
                $"{config.Depth}",
                $"{cost.Parameters:N0}",
                preset.PaperParameters,
                $"{config.Tokens:N0}",
                $"{cost.Macs / 1e9:N1}",
                $"{cost.ActivationBytes / 1e6:N0} MB"
            );
        }
        AnsiConsole.Write(table);
        foreach (var preset in ModelZoo.Presets.Where(p => p.Note.Length > 0))
            Console.WriteLine($"{preset.Name}: {preset.Note}.");
        Console.WriteLine(
            "GMACs count multiply-accumulates of one image forward (Adventurer: the scan's recurrent form); "
                + "activations are what training keeps of one image in float32."
        );
        return 0;
    }
}
