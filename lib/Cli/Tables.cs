using Spectre.Console;

namespace PatchKit.Cli;

/// <summary>Tables on standard output: as wide as the terminal, and with unbroken lines in a file or a pipe.</summary>
internal static class Tables
{
    private const int WideEnough = 1000;

    /// <summary>Prints a table; numbers stand to the right.</summary>
    internal static void Print(
        string title,
        IReadOnlyList<string> columns,
        IEnumerable<IReadOnlyList<string>> rows,
        params int[] numbers
    )
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        Widen(console);
        var table = new Table().Border(TableBorder.Simple);
        for (int i = 0; i < columns.Count; i++)
            table.AddColumn(
                new TableColumn(columns[i].EscapeMarkup())
                {
                    Alignment = numbers.Contains(i) ? Justify.Right : Justify.Left,
                }
            );
        foreach (var row in rows)
            table.AddRow([.. row.Select(cell => cell.EscapeMarkup())]);
        console.WriteLine(title);
        console.Write(table);
    }

    /// <summary>No line is broken where nobody's window is narrow: in a file or a pipe.</summary>
    internal static void Widen(IAnsiConsole console)
    {
        if (!console.Profile.Out.IsTerminal)
            console.Profile.Width = WideEnough;
    }
}
