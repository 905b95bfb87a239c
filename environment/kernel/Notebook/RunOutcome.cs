using CsNotebook.Engine;

namespace CsNotebook.Notebook;

/// <summary>How running a notebook ended.</summary>
/// <param name="CellsRun">the number of code cells that ran to their end.</param>
/// <param name="Failures">the cells that failed: number in the notebook counted from 1, and error.</param>
/// <param name="Stopped">whether the run was stopped from outside.</param>
/// <param name="Kept">the number of cells that did not run and keep the outputs of an earlier run.</param>
public sealed record RunOutcome(
    int CellsRun,
    IReadOnlyList<(int Cell, CellError Error)> Failures,
    bool Stopped,
    int Kept
);
