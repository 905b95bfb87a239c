namespace PatchKit.Display.Figures;

/// <summary>
/// Where a figure's or a table's numbers come from. It decides a mark's shape, fill and dash, the same in all figures,
/// so that colour alone never has to tell.
/// </summary>
public enum Origin
{
    /// <summary>Measured here: filled circles; solid lines; solid bars.</summary>
    ThisRun,

    /// <summary>Published: hollow squares; dashed lines; outlined bars.</summary>
    Paper,

    /// <summary>Computed, such as a fitted law: thin lines; crosses.</summary>
    Law,

    /// <summary>
    /// Measured elsewhere by the same program, and recorded: hollow diamonds, which show around a circle at the same
    /// place; dotted lines; outlined bars.
    /// </summary>
    Recorded,
}
