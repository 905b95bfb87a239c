using CsNotebook.Engine;

namespace CsNotebook.Tests;

/// <summary>Keeps what a cell shows.</summary>
internal sealed class RecordingHost : ICellHost
{
    /// <inheritdoc/>
    public bool KeepsScripts { get; set; }

    /// <summary>Streams, in order, neighbours of one stream joined.</summary>
    public List<(StreamName Name, string Text)> Streams { get; } = [];

    /// <summary>Displays and updates, in order.</summary>
    public List<(MimeBundle Data, string? Id, bool Update)> Displays { get; } = [];

    /// <summary>What the next questions are answered.</summary>
    public Queue<string?> Answers { get; } = [];

    /// <summary>The questions asked.</summary>
    public List<string> Prompts { get; } = [];

    /// <summary>All that was written to stdout.</summary>
    public string Stdout => string.Concat(Streams.Where(s => s.Name == StreamName.Stdout).Select(s => s.Text));

    public void Stream(StreamName name, string text)
    {
        if (Streams is [.., var last] && last.Name == name)
            Streams[^1] = (name, last.Text + text);
        else
            Streams.Add((name, text));
    }

    public void Display(MimeBundle data, string? displayId, bool update) => Displays.Add((data, displayId, update));

    public string? ReadLine(string prompt, bool password)
    {
        Prompts.Add(prompt);
        return Answers.Dequeue();
    }

    public void ClearOutput(bool wait)
    {
        Streams.Clear();
        Displays.Clear();
    }
}
