using System.Diagnostics;

namespace CsNotebook.Engine;

/// <summary>One execution: a cell's parts in turn, those of cells it imports included.</summary>
internal sealed class CellRun(
    SubmissionChain chain,
    CodeHelp help,
    UsedVariables used,
    DirectiveRunner directives,
    Importer importer,
    CellOutput output,
    CancellationToken stop
)
{
    private readonly List<string> _importing = [];

    /// <summary>Runs a cell, and gives the value that its last expression has.</summary>
    /// <param name="text">its text, directives included.</param>
    /// <param name="name">what it is called where it fails.</param>
    /// <param name="clock">what `#!time` reads, begun with the cell.</param>
    public MimeBundle? Run(string text, string name, Stopwatch clock)
    {
        var parts = CellParser.Parse(text);
        MimeBundle? value = null;
        foreach (var part in parts)
        {
            stop.ThrowIfCancellationRequested();
            switch (part)
            {
                case CellPart.Code code:
                    if (value is not null)
                        output.Display(value, null, update: false);
                    value = RunCode(code.Text, name);
                    break;
                case CellPart.Show show:
                    output.Display(new MimeBundle(show.MimeType, show.Text), null, update: false);
                    break;
                case CellPart.Directive directive:
                    Follow(directive, Environment.CurrentDirectory);
                    break;
            }
        }
        if (parts.OfType<CellPart.Directive>().Any(d => d.Name == "#!time"))
            output.Display(
                new MimeBundle("text/plain", $"Wall time: {clock.Elapsed.TotalMilliseconds:0.#} ms"),
                null,
                update: false
            );
        return value;
    }

    private MimeBundle? RunCode(string code, string cell)
    {
        var submission = chain.Compile(code, cell, stop);
        MimeBundle? value = null;
        var thrown = CellThread.Run(
            () =>
            {
                used.Begin(submission);
                object? result = chain.Run(submission);
                if (submission.HasValue && result is not Microsoft.DotNet.Interactive.DisplayedValue)
                    value = Formatting.Formatters.Format(result);
            },
            stop
        );
        help.Add(submission);
        thrown?.Throw();
        return value;
    }

    private void Follow(CellPart.Directive directive, string folder)
    {
        if (directive.Name is "#!import" or "#load")
            importer.Import(directive, folder, _importing, (code, cell) => RunCode(code, cell), Follow);
        else
            directives.Follow(directive, folder, output, stop);
    }
}
