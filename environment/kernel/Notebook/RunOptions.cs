using CsNotebook.Engine;

namespace CsNotebook.Notebook;

/// <summary>How to run a notebook.</summary>
public sealed record RunOptions
{
    /// <summary>A cell that takes longer is stopped and counts as failed; null: no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>What a cell gets to end that was told to stop; the run then ends without it.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether to go on after a cell that fails.</summary>
    public bool AllowErrors { get; init; }

    /// <summary>Called after each cell, for instance to save; no output comes in meanwhile.</summary>
    public Action? AfterCell { get; init; }

    /// <summary>
    /// Called when code of a cell ends the process, after <see cref="AfterCell"/>: the cell's number, and what it did.
    /// </summary>
    public Action<int, CellError>? ProcessEnds { get; init; }

    /// <summary>Is told which cell runs.</summary>
    public RunProgress? Progress { get; init; }
}
