using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>
/// Gives out colours, the same to the same group in all panels of a figure, and shapes, the same to the same source in
/// all figures. A family of models has its colour wherever it is drawn, whichever comes first: blue is ViT's and
/// DeiT's, vermillion Adventurer's.
/// </summary>
internal sealed class MarkStyles
{
    private static readonly (string Name, string Colour)[] s_families =
    [
        ("ViT", Palette.Blue),
        ("DeiT", Palette.Blue),
        ("Adventurer", Palette.Vermillion),
    ];
    private readonly Dictionary<string, string> _colours = [];
    private readonly List<string> _groups;

    internal MarkStyles(Figure figure)
    {
        _groups =
        [
            .. figure.Panels.SelectMany(panel => panel.Marks).Where(mark => !Neutral(mark)).Select(Group).Distinct(),
        ];
        // The first group of a family has the family's colour; the others, which must be told from it, have those of
        // nobody.
        foreach (string group in _groups)
            if (FamilyColour(group) is { } own && !_colours.ContainsValue(own))
                _colours[group] = own;
        string[] free =
        [
            .. Palette.Lines.Where(colour => _colours.Count == 0 || s_families.All(family => family.Colour != colour)),
        ];
        var left = _groups.Where(group => !_colours.ContainsKey(group)).ToList();
        for (int i = 0; i < left.Count; i++)
            _colours[left[i]] = free[i % free.Length];
    }

    internal MarkStyle Of(Mark mark)
    {
        var shape = mark.Origin switch
        {
            Origin.ThisRun => Shape.Circle,
            Origin.Paper => Shape.Square,
            Origin.Recorded => Shape.Diamond,
            _ => Shape.Cross,
        };
        return new(
            mark.Colour ?? (Neutral(mark) ? null : _colours.GetValueOrDefault(Group(mark))),
            shape,
            mark.Origin,
            Math.Max(0, _groups.IndexOf(Group(mark)))
        );
    }

    /// <summary>The legend: the first mark of each name.</summary>
    internal static IReadOnlyList<Mark> Legend(Figure figure) =>
        [
            .. figure
                .Panels.SelectMany(panel => panel.Marks)
                .Where(mark => mark.Name.Length > 0)
                .DistinctBy(mark => mark.Name),
        ];

    private static string? FamilyColour(string group) =>
        s_families.FirstOrDefault(family => group.Contains(family.Name, StringComparison.Ordinal)).Colour;

    private static string Group(Mark mark) => mark.Group ?? mark.Name;

    // Laws without a group, notes and rules have the colour of text.
    private static bool Neutral(Mark mark) =>
        mark is Note or Rule or HeatMap || mark is { Origin: Origin.Law, Group: null };
}
