namespace PatchKit.Display.Tables;

/// <summary>Which of a column's numbers stands in bold.</summary>
public enum Best
{
    /// <summary>None.</summary>
    None,

    /// <summary>The lowest, as of losses.</summary>
    Lowest,

    /// <summary>The highest, as of accuracies.</summary>
    Highest,
}
