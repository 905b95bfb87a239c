using System.Text;
using System.Text.Json;
using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>
/// Writes a figure as plotly.js 2 and later read it: plain arrays, no templates, everything where the SVG drawing has
/// it. A logarithmic axis with a floor is plotly's logarithmic axis of value - floor whose ticks name the values; the
/// values themselves are in customdata, for the words under the pointer.
/// </summary>
internal sealed class FigurePlotly
{
    // A legend's sample stands 6 pixels from its left end.
    private const double Side = FigureLayout.Pad - 6;

    private readonly Figure _figure;
    private readonly FigureLayout _layout;
    private readonly MarkStyles _styles;
    private readonly MemoryStream _bytes = new();
    private readonly Utf8JsonWriter _json;
    private readonly HashSet<string> _named = [];

    internal FigurePlotly(Figure figure) =>
        (_figure, _layout, _styles, _json) = (
            figure,
            new FigureLayout(figure),
            new MarkStyles(figure),
            new Utf8JsonWriter(_bytes)
        );

    internal string Render()
    {
        Object(() =>
        {
            _json.WriteStartArray("data");
            for (int i = 0; i < _layout.Panels.Count; i++)
                foreach (var mark in _layout.Panels[i].Panel.Marks.Where(mark => mark is not (Note or Rule)))
                    Trace(mark, _layout.Panels[i], Suffix(i));
            _json.WriteEndArray();
            Object("layout", Layout);
            Object(
                "config",
                () =>
                {
                    Write("responsive", true);
                    Write("displaylogo", false);
                }
            );
        });
        _json.Flush();
        return Encoding.UTF8.GetString(_bytes.GetBuffer(), 0, (int)_bytes.Length);
    }

    private void Layout()
    {
        Object(
            "title",
            () =>
            {
                string subtitle = string.Join("<br>", _layout.Subtitle.Select(line => Plain(line.Text)));
                string title = string.Join("<br>", _layout.Title.Select(line => $"<b>{Plain(line.Text)}</b>"));
                Write(
                    "text",
                    subtitle.Length > 0 ? $"{title}<br><span style='font-size:12.5px'>{subtitle}</span>" : title
                );
                Write("x", FigureLayout.Pad / _figure.Width);
                Write("y", 1 - FigureLayout.Pad / _layout.Height);
                Write("xanchor", "left");
                Write("yanchor", "top");
                Write("yref", "container");
                Font(FigureLayout.TitleSize);
            }
        );
        Write("height", _layout.Height);
        Write("paper_bgcolor", Markup.Paper);
        Write("plot_bgcolor", Markup.Paper);
        Write("barmode", "overlay");
        Write("hovermode", "closest");
        Font(FigureLayout.SmallSize);
        Object(
            "margin",
            () =>
            {
                foreach (string side in (string[])["l", "r"])
                    Write(side, Side);
                foreach (string side in (string[])["t", "b"])
                    Write(side, 0);
            }
        );
        Object(
            "legend",
            () =>
            {
                Write("orientation", "h");
                Write("xanchor", "left");
                Write("yanchor", "top");
                // Rows as close as the drawing's, broken where it breaks them or later: a legend is as wide as what the
                // margins leave, and its text no wider.
                Write("tracegroupgap", 0);
                Write("x", 0);
                Write("y", Up(_layout.Legend.Select(entry => entry.Y).DefaultIfEmpty(0).First() - 17));
                Write("bgcolor", "rgba(0,0,0,0)");
                Font(FigureLayout.TextSize);
            }
        );
        // Down the right edge, where it hides neither the title nor the legend.
        Object(
            "modebar",
            () =>
            {
                Write("orientation", "v");
                Write("bgcolor", "rgba(0,0,0,0)");
            }
        );
        for (int i = 0; i < _layout.Panels.Count; i++)
        {
            WriteAxis("x", Suffix(i), _layout.Panels[i].Plan.X, _layout.Panels[i]);
            WriteAxis("y", Suffix(i), _layout.Panels[i].Plan.Y, _layout.Panels[i]);
        }
        _json.WriteStartArray("shapes");
        for (int i = 0; i < _layout.Panels.Count; i++)
            foreach (var rule in _layout.Panels[i].Panel.Marks.OfType<Rule>())
                Shape(rule, _layout.Panels[i].Plan, Suffix(i));
        _json.WriteEndArray();
        _json.WriteStartArray("annotations");
        for (int i = 0; i < _layout.Panels.Count; i++)
            Annotations(_layout.Panels[i], Suffix(i));
        foreach (var (y, text) in _layout.Remarks)
            Words(Plain(text), FigureLayout.Pad, y);
        _json.WriteEndArray();
    }

    private void Trace(Mark mark, PanelLayout panel, string number)
    {
        var style = _styles.Of(mark);
        string colour = style.Colour ?? Markup.Ink;
        Object(() =>
        {
            Write(
                "type",
                mark switch
                {
                    Bars => "bar",
                    HeatMap => "heatmap",
                    _ => "scatter",
                }
            );
            Write("xaxis", "x" + number);
            Write("yaxis", "y" + number);
            if (mark is not HeatMap)
            {
                Write("name", Plain(mark.Name));
                Write("legendgroup", mark.Name);
                Write("showlegend", mark.Name.Length > 0 && _named.Add(mark.Name));
            }
            switch (mark)
            {
                case Series series:
                    Trace(series, style, colour, panel);
                    break;
                case Bars bars:
                    Trace(bars, style, colour, panel);
                    break;
                case Band band:
                    Trace(band, colour, panel.Plan);
                    break;
                case HeatMap map:
                    Trace(map, panel);
                    break;
            }
        });
    }

    private void Trace(Series mark, MarkStyle style, string colour, PanelLayout panel)
    {
        var (x, y) = (panel.Plan.X, panel.Plan.Y);
        var kept = mark.Points ? [.. Enumerable.Range(0, mark.X.Count)] : panel.Visible(mark);
        var alone = mark.Points ? [] : panel.Alone(mark, kept);
        Write(
            "mode",
            !mark.Line ? "markers"
                : mark.Points || alone.Count > 0 ? "lines+markers"
                : "lines"
        );
        Write("x", kept.Select(i => Placed(mark.X[i], x)));
        Write("y", kept.Select(i => Placed(mark.Y[i], y)));
        if (y.Axis.Floor != 0)
            Write("customdata", kept.Select(i => mark.Y[i]));
        Write(
            "hovertemplate",
            $"{Name(x.Axis)} %{{x}}{Unit(x.Axis)}<br>{Name(y.Axis)} "
                + $"%{{{(y.Axis.Floor != 0 ? "customdata" : "y")}:.4~g}}{Unit(y.Axis)}"
        );
        if (mark.Line)
            Object(
                "line",
                () =>
                {
                    Write("color", colour);
                    Write("width", style.LineWidth);
                    if (style.Dash is { } dash)
                        Write("dash", string.Join(",", dash.Split(' ').Select(length => length + "px")));
                }
            );
        if (mark.Points)
        {
            Write("cliponaxis", false); // whole at the edge of the plot, as drawn
            Object(
                "marker",
                () =>
                {
                    Write("color", colour);
                    Write("symbol", style.Plotly);
                    Write("size", style.Hollow ? 11 : 9);
                    Object(
                        "line",
                        () =>
                        {
                            Write("width", style.Hollow || style.Shape == Figures.Shape.Cross ? 1.8 : 0);
                            Write("color", colour);
                        }
                    );
                }
            );
        }
        else if (alone.Count > 0)
            Object(
                "marker",
                () =>
                {
                    Write("color", colour);
                    Write("size", kept.Select(i => alone.Contains(i) ? 5.0 : 0));
                }
            );
        Error(mark.Error, colour);

        static string Name(Axis axis) => Plain(axis.Label);
        static string Unit(Axis axis) => axis.Unit is null ? "" : " " + Plain(axis.Unit);
    }

    private void Trace(Bars mark, MarkStyle style, string colour, PanelLayout panel)
    {
        var slots = Enumerable.Range(0, mark.Values.Count).Select(i => panel.Plan.Bar(mark, i)).ToArray();
        Write("x", slots.Select(slot => (slot.Left + slot.Right) / 2));
        Write("width", slots.Select(slot => slot.Right - slot.Left));
        Write("y", mark.Values.Select(value => Placed(value, panel.Plan.Y)));
        Write("customdata", mark.Values);
        Write("hovertemplate", "%{customdata:.4~g}");
        Object(
            "marker",
            () =>
            {
                Write("color", style.Hollow ? Faint(colour, 0.12) : colour);
                Object(
                    "line",
                    () =>
                    {
                        Write("width", style.Hollow ? 1.6 : 0);
                        Write("color", colour);
                    }
                );
            }
        );
        Error(mark.Error, Markup.Ink);
    }

    // One closed outline for each stretch without a gap; a null parts them.
    private void Trace(Band mark, string colour, PanelPlan plan)
    {
        var outline = new List<(double X, double Y)>();
        var stretch = new List<int>();
        for (int i = 0; i <= mark.X.Count; i++)
            if (
                i < mark.X.Count
                && double.IsFinite(plan.X.At(mark.X[i]) + plan.Y.At(mark.Low[i]) + plan.Y.At(mark.High[i]))
            )
                stretch.Add(i);
            else if (stretch.Count > 0)
            {
                if (outline.Count > 0)
                    outline.Add((double.NaN, double.NaN));
                outline.AddRange(stretch.Select(k => (mark.X[k], mark.High[k])));
                outline.AddRange(Enumerable.Reverse(stretch).Select(k => (mark.X[k], mark.Low[k])));
                stretch.Clear();
            }
        Write("mode", "lines");
        Write("fill", "toself");
        Write("fillcolor", Faint(colour, 0.16));
        Write("hoverinfo", "skip");
        Write("x", outline.Select(point => Placed(point.X, plan.X)));
        Write("y", outline.Select(point => Placed(point.Y, plan.Y)));
        Object("line", () => Write("width", 0));
    }

    private void Trace(HeatMap mark, PanelLayout panel)
    {
        _json.WriteStartArray("z");
        for (int i = 0; i < mark.Rows; i++)
        {
            _json.WriteStartArray();
            for (int j = 0; j < mark.Columns; j++)
                Number(mark.Values[i, j]);
            _json.WriteEndArray();
        }
        _json.WriteEndArray();
        var colours = mark.Colours;
        Write("zmin", colours.Low);
        Write("zmax", colours.High);
        if (panel.HoldsNumbers(mark))
        {
            Texts("text", mark, mark.NumberAt);
            Write("texttemplate", "%{text}");
            // Without a colour, plotly takes the one that is read best on each cell.
            Object(
                "textfont",
                () =>
                {
                    Write("family", Markup.Font);
                    Write("size", FigureLayout.SmallSize);
                }
            );
        }
        if (mark.Values.Length <= PanelLayout.MostCells)
        {
            Texts("hovertext", mark, (i, j) => panel.CellWords(mark, i, j));
            Write("hoverinfo", "text");
        }
        Write("hoverongaps", false);
        _json.WriteStartArray("colorscale");
        foreach (var (at, stop) in colours.Stops)
        {
            _json.WriteStartArray();
            _json.WriteNumberValue(at);
            _json.WriteStringValue(stop);
            _json.WriteEndArray();
        }
        _json.WriteEndArray();
        Object(
            "colorbar",
            () =>
            {
                Write("x", Across(panel.PlotRight + 14));
                Write("y", Up(panel.PlotY + panel.PlotHeight / 2));
                Write("xanchor", "left");
                Write("yanchor", "middle");
                Write("xpad", 0);
                Write("ypad", 0);
                Write("len", panel.PlotHeight / _layout.Height);
                Write("thickness", 12);
                Write("outlinewidth", 0);
            }
        );
    }

    private void Texts(string name, HeatMap map, Func<int, int, string> at)
    {
        _json.WriteStartArray(name);
        for (int i = 0; i < map.Rows; i++)
        {
            _json.WriteStartArray();
            for (int j = 0; j < map.Columns; j++)
                _json.WriteStringValue(Plain(at(i, j)));
            _json.WriteEndArray();
        }
        _json.WriteEndArray();
    }

    private void Error(IReadOnlyList<double>? error, string colour)
    {
        if (error is null)
            return;
        Object(
            "error_y",
            () =>
            {
                Write("type", "data");
                Write("array", error);
                Write("color", colour);
                Write("thickness", 1.25);
                Write("width", 4);
            }
        );
    }

    private void WriteAxis(string letter, string number, AxisScale scale, PanelLayout panel) =>
        Object(
            $"{letter}axis{number}",
            () =>
            {
                var axis = scale.Axis;
                bool across = letter == "x";
                Write("type", axis.IsLog ? "log" : "linear");
                Write("anchor", (across ? "y" : "x") + number);
                Write(
                    "domain",
                    across ? [Across(panel.PlotX), Across(panel.PlotRight)] : [Up(panel.PlotBottom), Up(panel.PlotY)]
                );
                double low = Exponent(scale.Ends.Low, scale),
                    high = Exponent(scale.Ends.High, scale);
                Write("range", axis.Reversed ? [high, low] : [low, high]);
                if (across)
                    Object(
                        "title",
                        () =>
                        {
                            Write("text", Plain(axis.ToString()));
                            Write("standoff", 6);
                            Font(FigureLayout.LabelSize);
                        }
                    );
                if (axis.Categories is not null || axis.Ticks is not null || axis.IsLog)
                {
                    Write("tickmode", "array");
                    var ticks = scale.Ticks.Where(tick => tick.Label.Length > 0).ToArray();
                    Write("tickvals", ticks.Select(tick => Placed(tick.Value, scale)));
                    _json.WriteStartArray("ticktext");
                    foreach (var tick in ticks)
                        _json.WriteStringValue(Plain(tick.Label));
                    _json.WriteEndArray();
                }
                else if (axis.Format is { } format && format.EndsWith('%'))
                    Write("tickformat", $".{format.Count(c => c == '0') - 1}%");
                else if (Math.Max(Math.Abs(scale.Ends.Low), Math.Abs(scale.Ends.High)) is >= 1e-2 and < 1e6)
                    Write("tickformat", ",~f");
                Write("showgrid", !panel.HasMap && !(across && axis.Categories is not null) && !panel.Plan.IsEmpty);
                Write("showticklabels", !panel.Plan.IsEmpty);
                Write("zeroline", false);
                Write("gridcolor", "rgba(128,128,128,0.25)");
                Write("linecolor", "rgba(128,128,128,0.8)");
                Write("showline", across && !panel.HasMap);
                if (panel.HasMap)
                    Write("ticks", ""); // plotly gives heat maps some
            }
        );

    private void Shape(Rule rule, PanelPlan plan, string number)
    {
        double at = Placed(rule.Value, rule.Vertical ? plan.X : plan.Y);
        if (!double.IsFinite(at))
            return;
        Object(() =>
        {
            Write("type", "line");
            Write("xref", rule.Vertical ? "x" + number : $"x{number} domain");
            Write("yref", rule.Vertical ? $"y{number} domain" : "y" + number);
            Write("x0", rule.Vertical ? at : 0);
            Write("x1", rule.Vertical ? at : 1);
            Write("y0", rule.Vertical ? 0 : at);
            Write("y1", rule.Vertical ? 1 : at);
            Object(
                "line",
                () =>
                {
                    Write("dash", "2px,4px");
                    Write("width", 1.25);
                    Write("color", "rgba(128,128,128,0.9)");
                }
            );
        });
    }

    private void Annotations(PanelLayout panel, string number)
    {
        for (int i = 0; i < panel.Titles.Count; i++)
            Words($"<b>{Plain(panel.Titles[i])}</b>", panel.X, panel.Y + 13 + 16 * i, FigureLayout.SubtitleSize);
        Words(Plain(panel.Panel.Y.ToString()), panel.X, panel.PlotY - 10, FigureLayout.LabelSize);
        foreach (var map in panel.Panel.Marks.OfType<HeatMap>())
            Words(Plain(map.Quantity), panel.X + panel.Width, panel.PlotY - 10, FigureLayout.LabelSize, "right");
        if (panel.Plan.IsEmpty)
            Words(
                "nothing to show yet",
                panel.PlotX + panel.PlotWidth / 2,
                panel.PlotY + panel.PlotHeight / 2,
                FigureLayout.TextSize,
                "center"
            );
        // Notes and the words of rules keep to their points when the chart is zoomed.
        foreach (var (mark, x, y, text) in panel.Labels())
        {
            var (note, rule) = (mark as Note, mark as Rule);
            bool onX = note is not null || rule!.Vertical,
                onY = note is not null || !rule!.Vertical;
            // From the end of the rule that they are nearer to: the chart may be narrower than the drawing.
            bool fromRight = !onX && x > panel.PlotX + panel.PlotWidth / 2;
            double left = onX ? panel.ToX(note?.X ?? rule!.Value) : panel.PlotX,
                shift = fromRight ? x + TextWidth.Of(text, FigureLayout.SmallSize) - panel.PlotRight : x - left,
                py = onY ? panel.ToY(note?.Y ?? rule!.Value) : panel.PlotY;
            Object(() =>
            {
                Write("text", Plain(text));
                Write("xref", onX ? "x" + number : $"x{number} domain");
                Write("yref", onY ? "y" + number : $"y{number} domain");
                Write(
                    "x",
                    onX ? Exponent(note?.X ?? rule!.Value, panel.Plan.X)
                        : fromRight ? 1
                        : 0
                );
                Write("y", onY ? Exponent(note?.Y ?? rule!.Value, panel.Plan.Y) : 1);
                Anchor(fromRight ? "right" : "left", shift, py - y - 4);
            });
        }
    }

    // Words at a place of the drawing, their line at y.
    private void Words(string text, double x, double y, double size = FigureLayout.SmallSize, string anchor = "left") =>
        Object(() =>
        {
            Write("text", text);
            Write("xref", "paper");
            Write("yref", "paper");
            Write("x", Across(x));
            Write("y", Up(y));
            Font(size);
            Anchor(anchor, 0, -0.4 * size);
        });

    private void Anchor(string anchor, double right, double up)
    {
        Write("xanchor", anchor);
        Write("yanchor", "bottom");
        Write("borderpad", 0);
        Write("xshift", Math.Round(right, 2));
        Write("yshift", Math.Round(up, 2));
        Write("showarrow", false);
    }

    // Plotly reads a few tags and entities.
    private static string Plain(string text) => text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");

    private static string Suffix(int index) => index == 0 ? "" : $"{index + 1}";

    // Places across are parts of what the margins leave, places upwards of the whole height.
    private double Across(double x) => Math.Round((x - Side) / (_figure.Width - 2 * Side), 5);

    private double Up(double y) => Math.Round(1 - y / _layout.Height, 5);

    // A value as plotly's axis has it; NaN where it has no place.
    private static double Placed(double value, AxisScale scale) =>
        double.IsNaN(scale.At(value)) ? double.NaN
        : scale.Axis.IsLog ? value - scale.Axis.Floor
        : value;

    // Ranges and annotations of a logarithmic axis go by the exponent.
    private static double Exponent(double value, AxisScale scale) =>
        scale.Axis.IsLog ? Math.Log10(value - scale.Axis.Floor) : value;

    private static string Faint(string colour, double opacity)
    {
        var (red, green, blue) = Palette.Parse(colour);
        return FormattableString.Invariant($"rgba({red},{green},{blue},{opacity})");
    }

    private void Font(double size) =>
        Object(
            "font",
            () =>
            {
                Write("family", Markup.Font);
                Write("size", size);
                Write("color", Markup.Ink);
            }
        );

    private void Object(Action content)
    {
        _json.WriteStartObject();
        content();
        _json.WriteEndObject();
    }

    private void Object(string name, Action content)
    {
        _json.WriteStartObject(name);
        content();
        _json.WriteEndObject();
    }

    private void Write(string name, IEnumerable<double> values)
    {
        _json.WriteStartArray(name);
        foreach (double value in values)
            Number(value);
        _json.WriteEndArray();
    }

    private void Number(double value)
    {
        if (double.IsFinite(value))
            _json.WriteNumberValue(value);
        else
            _json.WriteNullValue();
    }

    private void Write(string name, string value) => _json.WriteString(name, value);

    private void Write(string name, double value) => _json.WriteNumber(name, value);

    private void Write(string name, bool value) => _json.WriteBoolean(name, value);
}
