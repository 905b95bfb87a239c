using PatchKit.Experiments.Tables;
using PatchKit.Training;

namespace PatchKit.Experiments;

/// <summary>The experiments by name.</summary>
public static class ExperimentBook
{
    /// <summary>All experiments, in the paper's order.</summary>
    public static IReadOnlyList<Experiment> All { get; } =
    [
        new Table1(),
        new OnePixel(),
        new Figure1(),
        new Table2(),
        new Figure2(),
        new Figure1d(),
        new Table3(),
        Figure1Detection.Boxes,
        Figure1Detection.Masks,
        new Figure3(),
        new Figure4(),
        new Table4(),
        new Table5(),
        new Table6(),
        new Table7(),
        new Recipes(),
    ];

    /// <summary>An experiment by name.</summary>
    /// <exception cref="ArgumentException">There is no such experiment; the message has the nearest name.</exception>
    public static Experiment Find(string name) =>
        All.FirstOrDefault(experiment => experiment.Name == name)
        ?? throw new ArgumentException(
            $"there is no experiment \"{name}\"; did you "
                + $"mean {NearestName.Of(name, All.Select(experiment => experiment.Name))}? `patchkit list` shows all."
        );
}
