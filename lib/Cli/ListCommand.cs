using System.CommandLine;
using PatchKit.Experiments;
using PatchKit.Training.Recipes;

namespace PatchKit.Cli;

/// <summary>`patchkit list`: what can be run, and how it can be trained.</summary>
internal static class ListCommand
{
    private static readonly (Scale Scale, string Meaning)[] s_scales =
    [
        (Scale.Smoke, "under a minute, for tests: shows that everything runs"),
        (Scale.Teach, "minutes on two CPU cores, no data set needed: shows the effect's shape"),
        (Scale.Gpu, "one GPU, with --data: CIFAR, or ImageNet at 64 pixels"),
        (Scale.Paper, "the paper's models and recipes, with --data: ImageNet-1k"),
    ];

    internal static Command Create()
    {
        var command = new Command("list", "List the experiments, the scales they run at, and the recipes.");
        command.SetAction(_ => Print());
        return command;
    }

    private static int Print()
    {
        Tables.Print(
            "Experiments: patchkit run NAME",
            ["name", "what", "at teach", "the paper"],
            ExperimentBook.All.Select(experiment =>
                (IReadOnlyList<string>)[experiment.Name, experiment.Title, experiment.Cost, experiment.Claim]
            )
        );
        Tables.Print(
            "Scales: patchkit run NAME --scale SCALE",
            ["scale", "what it takes"],
            s_scales.Select(entry => (IReadOnlyList<string>)[entry.Scale.Name(), entry.Meaning])
        );
        Tables.Print(
            "Recipes: patchkit train --recipe NAME",
            ["name", "reproduces", "models"],
            RecipeBook.All.Select(recipe =>
                (IReadOnlyList<string>)[recipe.Name, recipe.Reproduces, string.Join(", ", recipe.Models)]
            )
        );
        return 0;
    }
}
