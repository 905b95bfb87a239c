using System.Globalization;

namespace CsNotebook.Notebook;

/// <summary>
/// Says on a text stream where a run stands: on a terminal in one line that follows the running cell and its latest
/// output, elsewhere in a line every half minute; and in a line for each cell that has ended.
/// </summary>
public sealed class RunProgress : IDisposable
{
    private const int MaxCode = 60;

    private readonly object gate = new();
    private readonly TextWriter writer;
    private readonly int? width;
    private readonly TimeSpan every;
    private readonly Timer timer;
    private string cell = "",
        code = "";
    private Func<string> latest = () => "";
    private DateTime begin;
    private bool open;

    /// <summary>Writes to a stream.</summary>
    /// <param name="writer">The stream.</param>
    /// <param name="width">The terminal's width in characters; null where it is none.</param>
    /// <param name="every">The time between lines about a cell that runs; null for what suits the stream.</param>
    public RunProgress(TextWriter writer, int? width, TimeSpan? every = null)
    {
        (this.writer, this.width) = (writer, width);
        this.every = every ?? TimeSpan.FromSeconds(width is null ? 30 : 1);
        timer = new Timer(_ => Tell());
    }

    /// <summary>A cell begins.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="count">The number of cells.</param>
    /// <param name="source">Its code.</param>
    /// <param name="output">Gives its latest line of output.</param>
    public void Begin(int number, int count, string source, Func<string> output)
    {
        lock (gate)
        {
            string line = source.Split('\n').FirstOrDefault(l => l.Trim().Length > 0)?.Trim() ?? "";
            (cell, code, latest, begin, open) = (
                $"cell {number}/{count}",
                Cut(line, MaxCode),
                output,
                DateTime.UtcNow,
                true
            );
            timer.Change(every, every);
        }
    }

    /// <summary>It has ended.</summary>
    public void End(TimeSpan took)
    {
        lock (gate)
        {
            open = false;
            timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            writer.WriteLine(
                Over(string.Create(CultureInfo.InvariantCulture, $"{cell}  {took.TotalSeconds, 7:0.00} s  {code}"))
            );
        }
    }

    /// <inheritdoc/>
    public void Dispose() => timer.Dispose();

    private void Tell()
    {
        string said = latest();
        lock (gate)
        {
            if (!open)
                return;
            string line =
                $"{cell}  {(DateTime.UtcNow - begin).TotalSeconds, 7:0} s  {code}{(said.Length > 0 ? "  " : "")}{said}";
            if (width is not null)
                writer.Write(Over(line));
            else
                writer.WriteLine($"{line} ...");
            writer.Flush();
        }
    }

    /// <summary>
    /// On a terminal: in the place of what the line showed, and no longer than one line, which would wrap and stay.
    /// </summary>
    private string Over(string line) => width is { } most ? $"\r{Cut(line, most - 1)}\e[K" : line;

    private static string Cut(string line, int length) =>
        line.Length <= length ? line : line[..Math.Max(0, length - 3)] + "...";
}
