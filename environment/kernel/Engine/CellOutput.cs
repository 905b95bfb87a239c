namespace CsNotebook.Engine;

/// <summary>The running cell's way out: what <c>Console</c> and <c>display</c> find when a cell calls them.</summary>
internal sealed class CellOutput(ICellHost host, OutputQueue queue, PageScripts page)
{
    /// <summary>
    /// The cell that runs or, between cells, the one that ran last: its background work still writes to it.
    /// </summary>
    public static CellOutput? Current { get; set; }

    /// <summary>The session that the cell belongs to has this queue.</summary>
    public OutputQueue Queue => queue;

    public void Write(StreamName name, string text) => queue.Write(host, name, text);

    public void Display(MimeBundle data, string? displayId, bool update)
    {
        Prepare(data);
        queue.Post(host, h => h.Display(data, displayId, update));
    }

    /// <summary>Shows what a bundle needs on the page before it.</summary>
    public void Prepare(MimeBundle data)
    {
        if (page.Before(data) is not { } script)
            return;
        string id = Guid.NewGuid().ToString("N");
        queue.Post(host, h => h.Display(script, id, update: false));
        if (!host.KeepsScripts)
            queue.Post(host, h => h.Display(PageScripts.Line, id, update: true));
    }

    public void ClearOutput(bool wait) => queue.Post(host, h => h.ClearOutput(wait));

    /// <summary>Asks through the host on another thread, so that a stop can end the wait here.</summary>
    public string? ReadLine(string prompt, bool password)
    {
        queue.Drain();
        return Task.Run(() => host.ReadLine(prompt, password)).GetAwaiter().GetResult();
    }

    public void Drain() => queue.Drain();
}
