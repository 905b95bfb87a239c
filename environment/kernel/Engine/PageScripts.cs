using CsNotebook.Engine.Formatting;

namespace CsNotebook.Engine;

/// <summary>
/// Puts plotly.js (3.6 MB) before the first chart that a session shows, and no other: all outputs stand on one page. The
/// cell that brought it brings it again when it is run again, since its old output goes.
/// </summary>
internal sealed class PageScripts
{
    private readonly object gate = new();
    private string running = "";
    private int run;
    private (string Code, int Run)? bringer;

    /// <summary>A cell begins.</summary>
    public void Begin(string code)
    {
        lock (gate)
            (running, run) = (code, run + 1);
    }

    /// <summary>What goes to the page for a bundle.</summary>
    public MimeBundle Fill(MimeBundle bundle)
    {
        if (bundle["text/html"] is not { } html || !html.Contains(PlotlyCharts.ScriptPlace, StringComparison.Ordinal))
            return bundle;
        lock (gate)
        {
            bool brings = bringer is not { } before || (before.Code == running && before.Run != run);
            if (brings)
                bringer = (running, run);
            return With(bundle, html, brings);
        }
    }

    /// <summary>A bundle that needs no page around it.</summary>
    public static MimeBundle Whole(MimeBundle bundle) => bundle["text/html"] is { } html ? With(bundle, html, script: true) : bundle;

    private static MimeBundle With(MimeBundle bundle, string html, bool script)
    {
        int at = html.IndexOf(PlotlyCharts.ScriptPlace, StringComparison.Ordinal);
        if (at < 0)
            return bundle;
        html = html[..at] + (script ? PlotlyCharts.Script : "") + html[at..].Replace(PlotlyCharts.ScriptPlace, "", StringComparison.Ordinal);
        var filled = new MimeBundle();
        foreach (var (mimeType, text) in bundle)
            filled.Add(mimeType, mimeType == "text/html" ? html : text);
        return filled;
    }
}
