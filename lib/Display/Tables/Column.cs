namespace PatchKit.Display.Tables;

/// <summary>A column of a table.</summary>
/// <param name="Name">its heading.</param>
/// <param name="Unit">the unit of its numbers, beside the heading; null for none.</param>
public sealed record Column(string Name, string? Unit = null)
{
    /// <summary>A .NET format for its numbers, such as "0.000" or "0.0%"; null for about four digits.</summary>
    public string? Format { get; init; }

    /// <summary>Whether numbers above 0 carry a plus sign, as differences do.</summary>
    public bool Signed { get; init; }

    /// <summary>Which of its numbers stands in bold.</summary>
    public Best Best { get; init; }

    /// <summary>Whether it holds words, which start at the left.</summary>
    public bool IsText { get; init; }

    /// <summary>"test loss (nats)".</summary>
    public override string ToString() => Unit is null ? Name : $"{Name} ({Unit})";
}

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
