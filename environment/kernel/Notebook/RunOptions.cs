namespace CsNotebook.Notebook;

/// <summary>How to run a notebook.</summary>
public sealed record RunOptions
{
    /// <summary>A cell that takes longer is stopped and counts as failed; null: no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Whether to go on after a cell that fails.</summary>
    public bool AllowErrors { get; init; }

    /// <summary>Called after each cell, for instance to save; no output comes in meanwhile.</summary>
    public Action? AfterCell { get; init; }

    /// <summary>Where lines about the progress go.</summary>
    public Action<string>? Progress { get; init; }
}
