namespace CsNotebook.Engine;

/// <summary>Thrown inside a cell that was asked to stop.</summary>
public sealed class CellStoppedException() : OperationCanceledException("The cell was stopped.");
