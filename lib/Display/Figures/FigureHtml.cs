namespace PatchKit.Display;

/// <summary>A figure for a page: the drawing, and a script that puts a plotly.js chart of the same colours in its place if the page has plotly.js or loads it later.</summary>
internal static class FigureHtml
{
    // JupyterLab runs the script where it stands, VS Code at the end of the output; hence the two ways to find the figure.
    private const string Upgrade =
        """
        const script = document.currentScript, box = script.closest('.patchkit-figure') || script.parentNode.querySelector('.patchkit-figure:not([data-live])');
        const draw = () => {
          if (!box || box.dataset.live || !window.Plotly || !Plotly.newPlot) return;
          const svg = box.querySelector('svg'), ink = getComputedStyle(svg.querySelector('g')).fill, paper = getComputedStyle(svg.querySelector('rect')).fill;
          const chart = document.createElement('div'), themed = value => typeof value === 'string' ? (value === '#1f2328' ? ink : value === '#ffffff' ? paper : value)
            : Array.isArray(value) ? value.map(themed) : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v)])) : value;
          const live = themed(figure);
          box.dataset.live = 'yes';
          svg.style.display = 'none';
          box.insertBefore(chart, svg);
          Promise.resolve().then(() => Plotly.newPlot(chart, live.data, live.layout, live.config)).catch(() => { chart.remove(); svg.style.display = ''; });
        };
        draw();
        window.addEventListener('patchkit-plotly', draw);
        window.addEventListener('load', draw);
        """;

    internal static string Render(Figure figure) => new Markup()
        .Add($"<div class='patchkit-figure' style='max-width:{figure.Width}px'>").Raw(figure.ToSvg())
        .Raw("<script>(() => {\nconst figure = ").Raw(figure.ToPlotlyJson()).Raw(";\n").Raw(Upgrade).Raw("\n})();</script></div>").ToString();
}
