using System.IO.Compression;
using System.Text;
using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>
/// A figure for a page: an image and nothing that runs, because front ends take scripts and drawings out of a notebook
/// that they do not trust, and leave images. Beside it stands what plotly.js needs, compressed, which the
/// <see cref="Loader"/>'s script puts in the image's place.
/// </summary>
internal static class FigureHtml
{
    // Narrower than this its words cannot be read; a narrow page scrolls it instead.
    private const int Readable = 540;

    internal static string Render(Figure figure)
    {
        double height = new FigureLayout(figure).Height;
        return new Markup()
            .Add(
                $"<div class='patchkit-figure' style='max-width:{figure.Width}px;overflow-x:auto' "
                    + $"data-figure='{Compressed(figure.ToPlotlyJson())}'>"
            )
            .Add(
                $"<img width='{figure.Width}' height='{height}' alt='{Words(figure)}' "
                    + $"style='display:block;width:100%;min-width:{Math.Min(Readable, figure.Width)}px;height:auto' "
            )
            .Add($"src='{Image(figure)}'></div>")
            .ToString();
    }

    /// <summary>What stands for the figure where it cannot be seen.</summary>
    internal static string Words(Figure figure) => $"{figure.Title}. {FigureWords.Describe(figure)}";

    internal static string Image(Figure figure) =>
        "data:image/svg+xml;base64,"
        + Convert.ToBase64String(Encoding.UTF8.GetBytes(new FigureSvg(figure, alone: true).Render()));

    private static string Compressed(string json)
    {
        using var bytes = new MemoryStream();
        using (var deflate = new DeflateStream(bytes, CompressionLevel.SmallestSize))
            deflate.Write(Encoding.UTF8.GetBytes(json));
        return Convert.ToBase64String(bytes.ToArray());
    }
}
