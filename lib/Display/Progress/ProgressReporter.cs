namespace PatchKit.Display.Progress;

/// <summary>
/// Keeps one <see cref="ProgressView"/> up to date, at most ten times a second, and leaves its last state in place. In
/// a notebook:
/// <code>
/// var line = display(new ProgressView("ViT, 8 px", 0, 600));
/// using var progress = new ProgressReporter("ViT, 8 px", 600, line.Update);
/// progress.Report(step, loss);
/// </code>
/// Any thread may report; the view is shown on the thread that does.
/// </summary>
public sealed class ProgressReporter : IDisposable
{
    private const int MostLosses = 120;
    private const double Settling = 5; // seconds over which the rate is averaged
    private static readonly TimeSpan s_least = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Action<object> _show;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly List<double> _losses = [];
    private ProgressView _view;
    private long _shown,
        _measured,
        _first,
        _doneFirst,
        _doneThen,
        _group = 1,
        _inGroup;
    private double _sum;
    private bool _began,
        _over;

    /// <param name="name">the run.</param>
    /// <param name="total">what there is to do; 0 where nobody knows.</param>
    /// <param name="show">shows a view in the place of the last one: a DisplayedValue's Update, or a
    /// <see cref="TerminalLine"/>'s Show.</param>
    /// <param name="unit">what is counted.</param>
    /// <param name="time">the clock; the system's by default.</param>
    public ProgressReporter(
        string name,
        long total,
        Action<object> show,
        string unit = "steps",
        TimeProvider? time = null
    )
    {
        (_show, _time, _view) = (show, time ?? TimeProvider.System, new ProgressView(name, 0, total) { Unit = unit });
        _start = _shown = _measured = _time.GetTimestamp();
        _show(_view);
    }

    /// <summary>The latest state, shown or not.</summary>
    public ProgressView View
    {
        get
        {
            lock (_lock)
                return _view with { Losses = [.. _losses] };
        }
    }

    /// <summary>Says how far the run is.</summary>
    /// <param name="done">what is done, in units, in all.</param>
    /// <param name="loss">the loss, where there is one.</param>
    /// <param name="rate">units a second; null to measure it here.</param>
    /// <param name="remaining">the time that is left; null to estimate it from the rate.</param>
    public void Report(long done, double? loss = null, double? rate = null, TimeSpan? remaining = null)
    {
        lock (_lock)
        {
            if (_over)
                return;
            // What is done at the first report may be restored from a checkpoint, in no time.
            if (!_began)
                (_began, _first, _measured, _doneFirst, _doneThen) = (
                    true,
                    _time.GetTimestamp(),
                    _time.GetTimestamp(),
                    done,
                    done
                );
            double? speed = rate ?? Measure(done);
            if (loss is { } value)
                Keep(value);
            _view = _view with
            {
                Done = done,
                Elapsed = _time.GetElapsedTime(_start),
                Rate = speed,
                Remaining =
                    remaining
                    ?? (
                        speed > 0 && _view.Total > 0
                            ? TimeSpan.FromSeconds(Math.Clamp((_view.Total - done) / speed.Value, 0, 1e9))
                            : null
                    ),
                Loss = loss ?? _view.Loss,
                AsOf = _time.GetLocalNow(),
            };
            if (_time.GetElapsedTime(_shown) < s_least)
                return;
            _shown = _time.GetTimestamp();
            _view = _view with { Losses = [.. _losses] };
            _show(_view);
        }
    }

    /// <summary>Shows the last state, which stays.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_over)
                return;
            _over = true;
            double seconds = _time.GetElapsedTime(_first).TotalSeconds;
            double? rate = seconds > 0 && _view.Done > _doneFirst ? (_view.Done - _doneFirst) / seconds : _view.Rate;
            _view = _view with
            {
                IsOver = true,
                Elapsed = _time.GetElapsedTime(_start),
                Rate = rate,
                Remaining = null,
                AsOf = null,
                Losses = [.. _losses],
            };
            _show(_view);
        }
    }

    // An average that forgets what is more than some seconds ago.
    private double? Measure(long done)
    {
        double seconds = _time.GetElapsedTime(_measured).TotalSeconds;
        if (seconds < 0.05)
            return _view.Rate;
        double now = (done - _doneThen) / seconds,
            weight = 1 - Math.Exp(-seconds / Settling);
        (_measured, _doneThen) = (_time.GetTimestamp(), done);
        return _view.Rate is { } before ? before + weight * (now - before) : now;
    }

    // The whole course in at most 120 numbers: once they are full, neighbours are averaged and each new number stands
    // for twice as many losses.
    private void Keep(double loss)
    {
        if (!double.IsFinite(loss))
            return;
        _sum += loss;
        if (++_inGroup < _group)
            return;
        _losses.Add(_sum / _inGroup);
        (_sum, _inGroup) = (0, 0);
        if (_losses.Count < MostLosses)
            return;
        for (int i = 0; i < MostLosses / 2; i++)
            _losses[i] = (_losses[2 * i] + _losses[2 * i + 1]) / 2;
        _losses.RemoveRange(MostLosses / 2, MostLosses / 2);
        _group *= 2;
    }
}
