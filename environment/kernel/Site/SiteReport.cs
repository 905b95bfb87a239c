namespace CsNotebook.Site;

/// <summary>What was written.</summary>
/// <param name="Notebooks">The number of notebooks.</param>
/// <param name="Files">The number of files.</param>
/// <param name="Bytes">Their size.</param>
/// <param name="LacksPlotly">Whether there are figures, and no plotly.js to draw them.</param>
/// <param name="Unlinked">Links to what is not there, or is too large, whose words alone were kept.</param>
public sealed record SiteReport(int Notebooks, int Files, long Bytes, bool LacksPlotly, IReadOnlyList<string> Unlinked);
