using System.CommandLine;
using System.Runtime.InteropServices;
using CsNotebook.Notebook;

namespace CsNotebook.Cli;

/// <summary><c>csnotebook run</c>: executes a notebook without Jupyter, Python or a browser.</summary>
internal static class RunCommand
{
    private const int Interrupted = 130;

    public static Command Create()
    {
        var file = new Argument<FileInfo>("file") { Description = "The notebook" };
        var saved = new Option<FileInfo?>("--out") { Description = "Where to save the executed notebook (default: in place)" };
        var page = new Option<FileInfo?>("--html") { Description = "Also write a self-contained HTML page" };
        var set = new Option<string[]>("--set")
        {
            Description = "NAME=VALUE: give a parameter another value (needs --out)", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [],
        };
        var timeout = new Option<double?>("--timeout") { Description = "The most seconds a cell may take" };
        var allowErrors = new Option<bool>("--allow-errors") { Description = "Go on after a cell that fails" };
        var command = new Command("run", "Execute a notebook and save it with its outputs") { file, saved, page, set, timeout, allowErrors };
        command.SetAction(parsed => Sentences.Guard(() => Run(
            parsed.GetRequiredValue(file),
            parsed.GetValue(saved),
            parsed.GetValue(page),
            parsed.GetRequiredValue(set),
            parsed.GetValue(timeout),
            parsed.GetValue(allowErrors))));
        return command;
    }

    private static int Run(FileInfo file, FileInfo? saved, FileInfo? page, string[] set, double? timeout, bool allowErrors)
    {
        if (timeout is <= 0)
            throw new ArgumentException($"--timeout {timeout} leaves a cell no time; give a number of seconds above 0.");
        if (set.Length > 0 && saved is null)
            throw new ArgumentException("--set changes the notebook; say with --out FILE where to save the result.");
        var notebook = NotebookFile.Load(file.FullName);
        foreach (string line in Parameters.Set(notebook, [.. set.Select(Pair)]))
            Console.Error.WriteLine($"set {line}");
        string target = (saved ?? file).FullName;

        using var stop = new CancellationTokenSource();
        using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        // Cells find files beside their notebook, as under Jupyter.
        Environment.CurrentDirectory = file.DirectoryName!;
        var stderr = Console.Error;
        var outcome = NotebookRunner.RunAsync(
            notebook,
            new RunOptions
            {
                Timeout = timeout is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                AllowErrors = allowErrors,
                AfterCell = () => notebook.Save(target),
                Progress = stderr.WriteLine,
            },
            stop.Token).GetAwaiter().GetResult();
        notebook.Save(target);
        if (page is not null)
        {
            Directory.CreateDirectory(page.DirectoryName!);
            File.WriteAllText(page.FullName, HtmlPage.Render(notebook, Path.GetFileNameWithoutExtension(file.Name), file.DirectoryName!));
        }

        foreach (var (cell, error) in outcome.Failures)
        {
            string place = error.Line is { } line ? $"cell {cell}, line {line}" : $"cell {cell}";
            stderr.WriteLine($"{file.Name}, {place}: {error.Name}: {error.Message}");
            if (error.Line is { } at && notebook.Cells[cell - 1].Source.Split('\n') is var lines && at <= lines.Length)
                stderr.WriteLine($"    {lines[at - 1].Trim()}");
        }
        if (outcome.Stopped)
        {
            stderr.WriteLine($"Stopped; {target} holds what was done.");
            return Interrupted;
        }
        return outcome.Failures.Count > 0 && !allowErrors ? 1 : 0;

        void Stop(PosixSignalContext context)
        {
            // The first signal stops the cell and saves; a second one ends the process in the system's way.
            context.Cancel = !stop.IsCancellationRequested;
            ThreadPool.QueueUserWorkItem(_ => stop.Cancel());
        }
    }

    private static KeyValuePair<string, string> Pair(string text) =>
        text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
            ? new(text[..at].Trim(), text[(at + 1)..].Trim())
            : throw new ArgumentException($"--set {text} has no value; write --set NAME=VALUE.");
}
