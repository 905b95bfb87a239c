using System.CommandLine;
using System.Runtime.InteropServices;
using CsNotebook.Notebook;

namespace CsNotebook.Cli;

/// <summary><c>csnotebook run</c>: executes a notebook without Jupyter, Python or a browser.</summary>
internal static class RunCommand
{
    /// <summary>What a shell adds to a signal's number for the exit code of a program that it ended.</summary>
    private const int Signalled = 128;

    private const double MaxTimeout = 4_000_000;

    public static Command Create()
    {
        var file = new Argument<FileInfo>("file") { Description = "The notebook" };
        var saved = new Option<FileInfo?>("--out")
        {
            Description = "Where to save the executed notebook (default: in place)",
        };
        var page = new Option<FileInfo?>("--html") { Description = "Also write a self-contained HTML page" };
        var set = new Option<string[]>("--set")
        {
            Description = "NAME=VALUE: give a parameter another value (needs --out); may be repeated",
            DefaultValueFactory = _ => [],
        };
        var timeout = new Option<double?>("--timeout") { Description = "The most seconds a cell may take" };
        var allowErrors = new Option<bool>("--allow-errors") { Description = "Go on after a cell that fails" };
        var command = new Command(
            "run",
            "Execute a notebook in its folder and save it with its outputs. Exit code: 0 done, 1 a cell "
                + "failed, 2 it cannot be run, 130 ctrl-C."
        )
        {
            file,
            saved,
            page,
            set,
            timeout,
            allowErrors,
        };
        command.SetAction(parsed =>
            Sentences.Guard(() =>
                Run(
                    parsed.GetRequiredValue(file),
                    parsed.GetValue(saved),
                    parsed.GetValue(page),
                    parsed.GetRequiredValue(set),
                    parsed.GetValue(timeout),
                    parsed.GetValue(allowErrors)
                )
            )
        );
        return command;
    }

    private static int Run(
        FileInfo file,
        FileInfo? saved,
        FileInfo? page,
        string[] set,
        double? timeout,
        bool allowErrors
    )
    {
        if (timeout is not (null or (> 0 and <= MaxTimeout)))
            throw new ArgumentException(
                $"--timeout {timeout} is no time for a cell; give a number of seconds above 0 and up to {MaxTimeout:0}."
            );
        if (set.Length > 0 && saved is null)
            throw new ArgumentException("--set changes the notebook; say with --out FILE where to save the result.");
        var notebook = NotebookFile.Load(file.FullName);
        string target = (saved ?? file).FullName;
        CheckOutputs(file, saved, page);
        foreach (string note in notebook.Notes)
            Console.Error.WriteLine($"{file.Name}, {note}");
        foreach (string line in Parameters.Set(notebook, [.. set.Select(Pair)]))
            Console.Error.WriteLine($"set {line}");

        int signal = 0;
        // Once a session runs, Console leads to its cells.
        var stderr = Console.Error;
        using var stop = new CancellationTokenSource();
        using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, 2));
        using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, 15));
        // A terminal that is closed; under nohup the signal stays ignored.
        using var onHangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Stop(context, 1));
        // Cells find files beside their notebook, as under Jupyter.
        Environment.CurrentDirectory = file.DirectoryName!;
        using var progress = new RunProgress(stderr, TerminalWidth());
        var outcome = NotebookRunner
            .RunAsync(
                notebook,
                new RunOptions
                {
                    Timeout = timeout is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                    AllowErrors = allowErrors,
                    AfterCell = () => notebook.Save(target),
                    ProcessEnds = (cell, error) =>
                    {
                        stderr.WriteLine($"{file.Name}, cell {cell}: {error.Message} {target} holds what was done.");
                        Environment.ExitCode = 1;
                    },
                    Progress = progress,
                },
                stop.Token
            )
            .GetAwaiter()
            .GetResult();
        notebook.Save(target);
        if (page is not null)
            WholeFile.Write(
                page.FullName,
                HtmlPage.Render(
                    notebook,
                    Path.GetFileNameWithoutExtension(file.Name),
                    file.DirectoryName!,
                    page.DirectoryName
                )
            );

        foreach (var (cell, error) in outcome.Failures)
        {
            string place = error.Line is { } line ? $"cell {cell}, line {line}" : $"cell {cell}";
            stderr.WriteLine($"{file.Name}, {place}: {error.Name}: {error.Message}");
            if (error.Line is { } at && notebook.Cells[cell - 1].Source.Split('\n') is var lines && at <= lines.Length)
                stderr.WriteLine($"    {lines[at - 1].Trim()}");
        }
        if (outcome.Kept > 0)
            stderr.WriteLine(
                $"{Cells(outcome.Kept)} further down did not run; the outputs there are of an earlier run."
            );
        if (outcome.Stopped)
        {
            stderr.WriteLine($"Stopped; {target} holds what was done.");
            return Signalled + signal;
        }
        return outcome.Failures.Count > 0 && !allowErrors ? 1 : 0;

        void Stop(PosixSignalContext context, int number)
        {
            // The first signal stops the cell and saves; a second one ends the process in the system's way.
            if (stop.IsCancellationRequested)
                return;
            context.Cancel = true;
            signal = number;
            stderr.WriteLine("Stopping the cell; a second time ends the program at once.");
            ThreadPool.QueueUserWorkItem(_ => stop.Cancel());
        }
    }

    /// <summary>What cannot be written is better told now than after an hour.</summary>
    private static void CheckOutputs(FileInfo file, FileInfo? saved, FileInfo? page)
    {
        WholeFile.Check((saved ?? file).FullName, saved is null ? "The notebook" : "--out");
        if (page is null)
            return;
        WholeFile.Check(page.FullName, "--html");
        foreach (var notebook in new[] { file, saved })
        {
            if (notebook is not null && WholeFile.Same(notebook.FullName, page.FullName))
                throw new ArgumentException(
                    $"--html {page} would overwrite the notebook of that name; give the page another."
                );
        }
    }

    private static string Cells(int count) => count == 1 ? "1 cell" : $"{count} cells";

    private static int? TerminalWidth()
    {
        const int Usual = 80;
        if (Console.IsErrorRedirected)
            return null;
        try
        {
            return Console.WindowWidth is > 0 and var width ? width : Usual;
        }
        catch (IOException)
        {
            return Usual;
        }
    }

    private static KeyValuePair<string, string> Pair(string text) =>
        text.IndexOf('=', StringComparison.Ordinal) switch
        {
            0 => throw new ArgumentException($"--set {text} names no parameter; write --set NAME=VALUE."),
            > 0 and var at => new(text[..at].Trim(), text[(at + 1)..].Trim()),
            _ => throw new ArgumentException($"--set {text} has no value; write --set NAME=VALUE."),
        };
}
