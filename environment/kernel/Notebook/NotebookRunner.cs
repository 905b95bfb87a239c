using CsNotebook.Engine;

namespace CsNotebook.Notebook;

/// <summary>Executes a notebook's code cells in order, in this process, and records their outputs in it.</summary>
public static class NotebookRunner
{
    /// <summary>Runs a notebook.</summary>
    /// <param name="notebook">the notebook; outputs and counts of the cells that run are replaced.</param>
    /// <param name="options">how to run it.</param>
    /// <param name="stop">stops the running cell and the run.</param>
    public static async Task<RunOutcome> RunAsync(NotebookFile notebook, RunOptions options, CancellationToken stop)
    {
        using var session = new CSharpSession(NotebookFile.CodeOf);
        var recorder = new OutputRecorder([]);
        var failures = new List<(int, CellError)>();
        var code = notebook.Cells.Select((cell, i) => (cell, number: i + 1)).Where(c => c.cell.IsCode).ToList();
        NotebookLanguage.Note(notebook.Metadata);

        int run = 0,
            begun = 0;
        using var exit = new ExitWatch(error =>
        {
            // A stopped run that is stopped again ends as it is.
            if (stop.IsCancellationRequested)
                return;
            CellOutput.Current?.Drain();
            recorder.Error(error);
            recorder.Quietly(() => options.AfterCell?.Invoke());
            options.ProcessEnds?.Invoke(code[begun - 1].number, error);
        });
        foreach (var (cell, number) in code)
        {
            begun++;
            recorder.Begin(cell);
            if (string.IsNullOrWhiteSpace(cell.Source))
                continue;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            if (options.Timeout is { } timeout)
                limit.CancelAfter(timeout);
            options.Progress?.Begin(number, notebook.Cells.Count, cell.Source, () => recorder.Latest);
            var begin = DateTime.UtcNow;
            var running = session.ExecuteAsync(Source(cell), recorder, limit.Token);
            bool ended =
                await Task.WhenAny(running, GivenUp(options.Patience, limit.Token)).ConfigureAwait(false) == running;
            var end = DateTime.UtcNow;
            var result = ended
                ? await running.ConfigureAwait(false)
                : new CellResult(CellStatus.Aborted, null, Deaf(options.Patience), end - begin);

            cell.ExecutionCount = session.ExecutionCount;
            cell.Took = end - begin;
            bool late = result.Status == CellStatus.Aborted && !stop.IsCancellationRequested;
            var error = late ? Late(result.Error!, number, options.Timeout!.Value) : result.Error;
            if (result.Value is { } value)
                recorder.Value(value, session.ExecutionCount);
            if (error is not null)
                recorder.Error(error);
            options.Progress?.End(result.Duration);
            recorder.Quietly(() => options.AfterCell?.Invoke());

            if (stop.IsCancellationRequested)
                return Outcome(stopped: true);
            if (error is not null && (late || !cell.Tags.Contains("raises-exception")))
            {
                failures.Add((number, error));
                if (!options.AllowErrors || !ended)
                    return Outcome(stopped: false);
            }
            run++;
        }
        return Outcome(stopped: false);

        // Cells that did not run keep what an earlier run left in them.
        RunOutcome Outcome(bool stopped) =>
            new(run, failures, stopped, code.Skip(begun).Count(c => c.cell.Outputs.Count > 0));
    }

    /// <summary>Ends when a cell that was told to stop has had its time to do so.</summary>
    private static async Task GivenUp(TimeSpan patience, CancellationToken told)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, told).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.Delay(patience, CancellationToken.None).ConfigureAwait(false);
    }

    private static CellError Deaf(TimeSpan patience)
    {
        string sentence =
            $"The cell was told to stop and still runs {patience.TotalSeconds:0.###} s later: it is in code "
            + "that does not ask whether to stop.";
        return new("KeyboardInterrupt", sentence, [sentence], null);
    }

    private static CellError Late(CellError stopped, int number, TimeSpan limit) =>
        stopped with
        {
            Name = "TimeoutError",
            Message =
                $"Cell {number} ran longer than {limit.TotalSeconds:0.###} s, the limit set by "
                + $"--timeout. {stopped.Message}",
        };

    private static string Source(NotebookCell cell) =>
        cell.KernelName switch
        {
            null or "csharp" or "C#" => cell.Source,
            var other => $"#!{other}\n{cell.Source}",
        };
}
