using CsNotebook.Engine.Formatting;
using CsNotebook.Notebook;

namespace CsNotebook.Engine;

/// <summary>
/// Brings plotly.js (3.6 MB) to the page before the first chart that a session shows, and no other: all outputs stand
/// on one page. It is shown and at once replaced by a line, so that the page has it and the notebook's file has not;
/// where nobody sees the page before it is made of the file, it stays.
/// The cell that brought it brings it again when it is run again, as after the page was loaded anew.
/// </summary>
internal sealed class PageScripts
{
    private readonly object _gate = new();
    private string _running = "";
    private int _run;
    private (string Code, int Run)? _bringer;

    /// <summary>What stays where the script was.</summary>
    public static MimeBundle Line { get; } =
        new()
        {
            {
                "text/html",
                $"<small {PlotlyScript.Note}>Charts can be zoomed where the notebook runs; "
                    + "a page without plotly.js shows their data.</small>"
            },
            { "text/plain", "plotly.js for charts" },
        };

    /// <summary>A cell begins.</summary>
    public void Begin(string code)
    {
        lock (_gate)
            (_running, _run) = (code, _run + 1);
    }

    /// <summary>What must be shown before a bundle and then replaced by <see cref="Line"/>; null for nothing.</summary>
    public MimeBundle? Before(MimeBundle bundle)
    {
        if (!HasChart(bundle) || PlotlyCharts.Script.Length == 0)
            return null;
        lock (_gate)
        {
            if (_bringer is { } before && (before.Code != _running || before.Run == _run))
                return null;
            _bringer = (_running, _run);
        }
        return new MimeBundle { { "text/html", PlotlyCharts.Script }, { "text/plain", "plotly.js for charts" } };
    }

    /// <summary>A bundle that needs no page around it.</summary>
    public static MimeBundle Whole(MimeBundle bundle)
    {
        if (!HasChart(bundle))
            return bundle;
        var filled = new MimeBundle();
        foreach (var (mimeType, text) in bundle)
            filled.Add(mimeType, mimeType == "text/html" ? PlotlyCharts.Script + text : text);
        return filled;
    }

    private static bool HasChart(MimeBundle bundle) =>
        bundle["text/html"]?.Contains(PlotlyCharts.Beginning, StringComparison.Ordinal) == true;
}
