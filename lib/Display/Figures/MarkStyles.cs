namespace PatchKit.Display;

/// <summary>Gives out colours and shapes: the same to the same group in all panels of a figure.</summary>
internal sealed class MarkStyles
{
    private static readonly Shape[] s_run = [Shape.Circle, Shape.Triangle, Shape.Pentagon], s_paper = [Shape.Square, Shape.Diamond, Shape.TriangleDown];
    private readonly List<string> _groups;

    internal MarkStyles(Figure figure) => _groups = [.. figure.Panels.SelectMany(panel => panel.Marks).Where(mark => !Neutral(mark)).Select(Group).Distinct()];

    internal MarkStyle Of(Mark mark)
    {
        int index = _groups.IndexOf(Group(mark));
        var shape = mark.Origin switch { Origin.ThisRun or Origin.Recorded => s_run[Math.Max(index, 0) % 3], Origin.Paper => s_paper[Math.Max(index, 0) % 3], _ => Shape.Cross };
        return new(mark.Colour ?? (Neutral(mark) || index < 0 ? null : Palette.Lines[index % Palette.Lines.Count]), shape, mark.Origin);
    }

    /// <summary>The legend: the first mark of each name.</summary>
    internal static IReadOnlyList<Mark> Legend(Figure figure) =>
        [.. figure.Panels.SelectMany(panel => panel.Marks).Where(mark => mark.Name.Length > 0).DistinctBy(mark => mark.Name)];

    private static string Group(Mark mark) => mark.Group ?? mark.Name;

    // Laws without a group, notes and rules have the colour of text.
    private static bool Neutral(Mark mark) => mark is Note or Rule or HeatMap || mark is { Origin: Origin.Law, Group: null };
}
