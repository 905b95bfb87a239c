namespace CsNotebook.Engine;

/// <summary>
/// Where a running cell's output goes and its input comes from: a notebook file, a Jupyter front end, a test.
/// Calls come one at a time and in the order in which the cell made them, from whichever thread made them.
/// </summary>
public interface ICellHost
{
    /// <summary>
    /// Whether nobody sees the output as it comes: the page that it becomes later must then carry what its charts need.
    /// </summary>
    bool KeepsScripts => false;

    /// <summary>Text written to stdout or stderr; consecutive writes may arrive as one.</summary>
    void Stream(StreamName name, string text);

    /// <summary>
    /// Shows a value. With <paramref name="update"/> false this is a new output, otherwise every output shown under
    /// <paramref name="displayId"/> is replaced.
    /// </summary>
    void Display(MimeBundle data, string? displayId, bool update);

    /// <summary>
    /// Asks the user for a line; blocks. Null means that there is no more input. Where nobody can be asked it throws
    /// <see cref="InvalidOperationException"/> with a sentence that says so.
    /// </summary>
    string? ReadLine(string prompt, bool password);

    /// <summary>
    /// Removes the cell's output so far: now, or when the next output arrives (<paramref name="wait"/>).
    /// </summary>
    void ClearOutput(bool wait);
}
