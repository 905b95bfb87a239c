using PatchKit.Display.Progress;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Reports;

/// <summary>
/// An experiment's runs as one line: the run that is being trained and the time until all are; between two runs, how
/// many there are already.
/// </summary>
internal sealed class RunLine(Action<object> show)
{
    private ProgressReporter? _run;
    private int _index,
        _count,
        _trained,
        _cached;
    private double _seconds;

    internal void Begin(int count)
    {
        (_run, _index, _count, _trained, _cached, _seconds) = (null, 0, count, 0, 0, 0);
        if (count > 0)
            Show();
    }

    internal void Report(ExperimentProgress at)
    {
        if (_run is null || at.Index != _index)
        {
            _index = at.Index;
            _run = new ProgressReporter(
                $"run {at.Index} of {at.Count}: {at.Run.Family} p={at.Run.Model.PatchSize}, seed {at.Run.Seed}",
                at.Training.Steps,
                show
            );
        }
        _run.Report(at.Training.Step, at.Training.Loss, remaining: at.Remaining);
    }

    internal void Finished(RunResult result, bool cached)
    {
        if (cached)
            _cached++;
        else
            (_trained, _seconds) = (_trained + 1, _seconds + result.Seconds);
        _run = null;
        Show();
    }

    // The line says that the run was stopped, and where.
    internal void Break() => _run?.Dispose();

    private void Show()
    {
        int done = _trained + _cached;
        string name = done == 0 ? "no run yet" : $"{Runs(_trained)} trained, {Runs(_cached)} from the cache";
        show(
            new ProgressView(name, done, _count)
            {
                Unit = "runs",
                IsOver = done == _count,
                Elapsed = TimeSpan.FromSeconds(_seconds),
            }
        );
    }

    private static string Runs(int count) => count == 1 ? "1 run" : $"{count} runs";
}
