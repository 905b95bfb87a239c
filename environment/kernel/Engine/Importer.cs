namespace CsNotebook.Engine;

/// <summary>Runs the cells of another file as if they stood in the cell that imports it.</summary>
/// <param name="readNotebook">reads the code cells of a notebook; null where a session imports none.</param>
/// <param name="keep">keeps the lines of an imported cell under its name, for tracebacks.</param>
internal sealed class Importer(
    Func<string, IReadOnlyList<(string Code, string Name)>>? readNotebook,
    Action<string, string[]> keep
)
{
    /// <summary>Runs the cells of a file.</summary>
    /// <param name="directive">what names the file.</param>
    /// <param name="folder">what its path is relative to.</param>
    /// <param name="importing">the files that are being imported, outermost first.</param>
    /// <param name="run">runs code under a cell's name.</param>
    /// <param name="follow">does what a directive in the file says, from a folder.</param>
    /// <exception cref="CellException">The file is not there, is none to import, or one of its cells fails.</exception>
    public void Import(
        CellPart.Directive directive,
        string folder,
        List<string> importing,
        Action<string, string> run,
        Action<CellPart.Directive, string> follow
    )
    {
        string path = Path.GetFullPath(Path.Combine(folder, directive.Quoted()));
        if (!File.Exists(path))
            throw CellException.Directive($"{directive.Name}: the file {path} is not there.", directive.Line);
        if (importing.Contains(path))
            throw CellException.Directive(
                $"{directive.Name}: {path} imports itself, by way of {string.Join(" and ", importing)}.",
                directive.Line
            );
        importing.Add(path);
        string file = Path.GetFileName(path);
        var cells = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".ipynb" when readNotebook is null => throw CellException.Directive(
                $"{directive.Name}: {path} is a notebook, and this session was begun without what reads one.",
                directive.Line
            ),
            ".ipynb" => Notebook(path, directive.Line),
            ".csx" or ".cs" => [(File.ReadAllText(path), file)],
            var other => throw CellException.Directive(
                $"{directive.Name} reads .ipynb and .csx files, not {other}.",
                directive.Line
            ),
        };
        foreach (var (source, cell) in cells)
        {
            keep(cell, source.ReplaceLineEndings("\n").Split('\n'));
            foreach (var part in CellParser.Parse(source))
            {
                try
                {
                    if (part is CellPart.Code code)
                        run(code.Text, cell);
                    else if (part is CellPart.Directive inner)
                        follow(inner, Path.GetDirectoryName(path)!);
                }
                catch (CellException e)
                {
                    // The line that the user sees fail is the one that imports.
                    throw new CellException(e.Name, $"{cell}, line {e.Line}: {e.Message}", directive.Line, e.Details);
                }
            }
        }
        importing.Remove(path);
    }

    private IReadOnlyList<(string Code, string Name)> Notebook(string path, int line)
    {
        try
        {
            return readNotebook!(path);
        }
        catch (InvalidDataException e)
        {
            throw CellException.Directive(e.Message, line);
        }
    }
}
