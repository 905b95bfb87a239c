namespace CsNotebook.Engine;

/// <summary>
/// What executing a cell came to. Outputs on the way went to the <see cref="ICellHost"/>; the value did not.
/// </summary>
/// <param name="Status">how it ended.</param>
/// <param name="Value">the value of its last expression, formatted; null where there is none.</param>
/// <param name="Error">present unless <paramref name="Status"/> is <see cref="CellStatus.Ok"/>; an aborted cell's says
/// that it was stopped and where.</param>
/// <param name="Duration">the time from the call to the end, compilation included.</param>
public sealed record CellResult(CellStatus Status, MimeBundle? Value, CellError? Error, TimeSpan Duration);
