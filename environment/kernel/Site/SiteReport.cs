namespace CsNotebook.Site;

/// <summary>What was written.</summary>
/// <param name="Notebooks">the number of notebooks.</param>
/// <param name="Files">the number of files.</param>
/// <param name="Bytes">their size.</param>
/// <param name="LacksPlotly">whether there are figures, and no plotly.js to draw them.</param>
/// <param name="Unlinked">links to what is not there, or is too large, whose words alone were kept.</param>
public sealed record SiteReport(int Notebooks, int Files, long Bytes, bool LacksPlotly, IReadOnlyList<string> Unlinked);
