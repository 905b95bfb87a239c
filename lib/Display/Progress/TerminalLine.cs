namespace PatchKit.Display.Progress;

/// <summary>
/// Shows one value after another on a text stream: in the same line on a terminal, a line every ten seconds elsewhere.
/// </summary>
/// <param name="writer">the stream, such as <see cref="Console.Error"/>.</param>
/// <param name="rewrites">whether it is a terminal.</param>
/// <param name="time">the clock; the system's by default.</param>
public sealed class TerminalLine(TextWriter writer, bool rewrites, TimeProvider? time = null) : IDisposable
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(10);
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private long _said = (time ?? TimeProvider.System).GetTimestamp();
    private int _shown;

    /// <summary>Shows a value's text in the place of the last one.</summary>
    public void Show(object value)
    {
        string line = value.ToString() ?? "";
        bool last = value is ProgressView { IsOver: true };
        if (rewrites)
        {
            writer.Write("\r" + line.PadRight(_shown));
            _shown = line.Length;
            if (last)
                Dispose();
        }
        else if (last || _time.GetElapsedTime(_said) >= s_every)
        {
            writer.WriteLine(line);
            _said = _time.GetTimestamp();
        }
    }

    /// <summary>Ends the line, if one is open.</summary>
    public void Dispose()
    {
        if (_shown > 0)
            writer.WriteLine();
        _shown = 0;
    }
}
