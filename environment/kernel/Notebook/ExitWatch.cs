using CsNotebook.Engine;

namespace CsNotebook.Notebook;

/// <summary>
/// Notices that a cell's code ends the process while a notebook runs: a library that calls <c>Environment.Exit</c>, say
/// (in a cell's own code that is an error like any other). There is time to save.
/// </summary>
internal sealed class ExitWatch : IDisposable
{
    private readonly Action<CellError> _ends;

    /// <summary>Watches until it is disposed.</summary>
    /// <param name="ends">called on the way out.</param>
    public ExitWatch(Action<CellError> ends)
    {
        _ends = ends;
        AppDomain.CurrentDomain.ProcessExit += Tell;
    }

    /// <inheritdoc/>
    public void Dispose() => AppDomain.CurrentDomain.ProcessExit -= Tell;

    private void Tell(object? sender, EventArgs e)
    {
        string sentence =
            $"Code that the cell called ended the process, with exit code {Environment.ExitCode}: "
            + "Environment.Exit, for instance.";
        _ends(new("ProcessExit", sentence, [sentence], null));
    }
}
