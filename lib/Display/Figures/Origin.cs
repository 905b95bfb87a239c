namespace PatchKit.Display;

/// <summary>Where a figure's or a table's numbers come from. It decides a mark's shape, fill and dash, so that colour alone never has to tell.</summary>
public enum Origin
{
    /// <summary>Measured here: filled circles, triangles and pentagons; solid lines; solid bars.</summary>
    ThisRun,

    /// <summary>Published: hollow squares and diamonds; dashed lines; outlined bars.</summary>
    Paper,

    /// <summary>Computed, such as a fitted law: thin lines; crosses.</summary>
    Law,

    /// <summary>Measured elsewhere by the same program, and recorded: the shapes of <see cref="ThisRun"/>, hollow; dotted lines; outlined bars.</summary>
    Recorded,
}
