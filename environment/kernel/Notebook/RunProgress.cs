using System.Globalization;

namespace CsNotebook.Notebook;

/// <summary>
/// Says on a text stream where a run stands: on a terminal in one line that follows the running cell and its latest
/// output, elsewhere in a line every half minute; and in a line for each cell that has ended.
/// </summary>
public sealed class RunProgress : IDisposable
{
    private const int MaxCode = 60;

    private readonly object _gate = new();
    private readonly TextWriter _writer;
    private readonly int? _width;
    private readonly TimeSpan _every;
    private readonly Timer _timer;
    private string _cell = "",
        _code = "";
    private Func<string> _latest = () => "";
    private DateTime _begin;
    private bool _open;

    /// <summary>Writes to a stream.</summary>
    /// <param name="writer">the stream.</param>
    /// <param name="width">the terminal's width in characters; null where it is none.</param>
    /// <param name="every">the time between lines about a cell that runs; null for what suits the stream.</param>
    public RunProgress(TextWriter writer, int? width, TimeSpan? every = null)
    {
        (_writer, _width) = (writer, width);
        _every = every ?? TimeSpan.FromSeconds(width is null ? 30 : 1);
        _timer = new Timer(_ => Tell());
    }

    /// <summary>A cell begins.</summary>
    /// <param name="number">its number.</param>
    /// <param name="count">the number of cells.</param>
    /// <param name="source">its code.</param>
    /// <param name="output">gives its latest line of output.</param>
    public void Begin(int number, int count, string source, Func<string> output)
    {
        lock (_gate)
        {
            string line = source.Split('\n').FirstOrDefault(l => l.Trim().Length > 0)?.Trim() ?? "";
            (_cell, _code, _latest, _begin, _open) = (
                $"cell {number}/{count}",
                Cut(line, MaxCode),
                output,
                DateTime.UtcNow,
                true
            );
            _timer.Change(_every, _every);
        }
    }

    /// <summary>It has ended.</summary>
    public void End(TimeSpan took)
    {
        lock (_gate)
        {
            _open = false;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _writer.WriteLine(
                Over(string.Create(CultureInfo.InvariantCulture, $"{_cell}  {took.TotalSeconds, 7:0.00} s  {_code}"))
            );
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Tell()
    {
        string said = _latest();
        lock (_gate)
        {
            if (!_open)
                return;
            double seconds = (DateTime.UtcNow - _begin).TotalSeconds;
            string line = $"{_cell}  {seconds, 7:0} s  {_code}{(said.Length > 0 ? "  " : "")}{said}";
            if (_width is not null)
                _writer.Write(Over(line));
            else
                _writer.WriteLine($"{line} ...");
            _writer.Flush();
        }
    }

    /// <summary>
    /// On a terminal: in the place of what the line showed, and no longer than one line, which would wrap and stay.
    /// </summary>
    private string Over(string line) => _width is { } most ? $"\r{Cut(line, most - 1)}\e[K" : line;

    private static string Cut(string line, int length) =>
        line.Length <= length ? line : line[..Math.Max(0, length - 3)] + "...";
}
