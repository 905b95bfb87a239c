namespace CsNotebook.Notebook;

/// <summary>Makes the copy that students get: solutions out, outputs out.</summary>
public static class StudentCopy
{
    private const string Begin = "BEGIN SOLUTION";
    private const string End = "END SOLUTION";

    /// <summary>The tags of cells whose outputs come from solutions.</summary>
    private static readonly string[] Exercises = ["exercise", "check"];

    /// <summary>
    /// Replaces what stands between <c>// BEGIN SOLUTION</c> and <c>// END SOLUTION</c> by one line to fill in, and
    /// clears outputs. In Markdown cells the markers are HTML comments, and what stands between them, such as words to
    /// the instructor, goes.
    /// </summary>
    /// <param name="notebook">the notebook.</param>
    /// <param name="from">its folder; null where links stay as they are.</param>
    /// <param name="to">the folder of the copy, from where its links shall lead to the same files.</param>
    /// <param name="keepOutputs">whether to leave outputs in, except those of solutions and of their checks.</param>
    /// <returns>The number of solutions that were taken out.</returns>
    /// <exception cref="InvalidDataException">A marker has no partner.</exception>
    public static int Make(NotebookFile notebook, string? from = null, string? to = null, bool keepOutputs = false)
    {
        int taken = 0;
        for (int i = 0; i < notebook.Cells.Count; i++)
        {
            var cell = notebook.Cells[i];
            int before = taken;
            string left = Without(cell.Source, cell.IsCode, i + 1, ref taken);
            cell.Source =
                cell.Type == "markdown" && from is not null && to is not null ? Links.InMarkdown(left, from, to) : left;
            // What was folded for its solution is what the student is to see and fill.
            if (taken > before && cell.Metadata["jupyter"] is System.Text.Json.Nodes.JsonObject folding)
                folding.Remove("source_hidden");
            if (cell.IsCode && (!keepOutputs || taken > before || cell.Tags.Intersect(Exercises).Any()))
                cell.ClearOutputs();
        }
        return taken;
    }

    private static string Without(string source, bool code, int number, ref int taken)
    {
        var kept = new List<string>();
        int? open = null;
        string[] lines = source.Split('\n');
        for (int n = 0; n < lines.Length; n++)
        {
            string marker = lines[n].Trim().TrimStart('/', '<', '!', '-').TrimEnd('>', '-').Trim();
            bool comment = lines[n].TrimStart().StartsWith(code ? "//" : "<!--", StringComparison.Ordinal);
            if (comment && marker == Begin)
            {
                if (open is not null)
                    throw new InvalidDataException(
                        $"Cell {number}, line {n + 1}: {Begin} again before the {End} of line {open}."
                    );
                open = n + 1;
                if (code)
                {
                    kept.Add(lines[n][..(lines[n].Length - lines[n].TrimStart().Length)] + "// your code here");
                    taken++;
                }
            }
            else if (comment && marker == End)
            {
                if (open is null)
                    throw new InvalidDataException($"Cell {number}, line {n + 1}: {End} without a {Begin}.");
                open = null;
            }
            else if (open is null)
            {
                kept.Add(lines[n]);
            }
        }
        return open is null
            ? string.Join('\n', kept)
            : throw new InvalidDataException($"Cell {number}, line {open}: {Begin} without an {End}.");
    }
}
