using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsNotebook.Notebook;

namespace CsNotebook.Site;

/// <summary>The picture that stands for a notebook.</summary>
/// <param name="Extension">its file's: svg or png.</param>
/// <param name="Bytes">the file.</param>
/// <param name="Words">what stands for it where it cannot be seen.</param>
internal sealed partial record SitePicture(string Extension, byte[] Bytes, string Words)
{
    /// <summary>
    /// The figure of the cell tagged `thumbnail`; otherwise the last drawing before the verdicts, which is the one that
    /// they are about; otherwise the first drawing or image. Null where the notebook shows none.
    /// </summary>
    public static SitePicture? Of(NotebookFile notebook)
    {
        var cells = notebook.Cells.Where(cell => cell.IsCode).ToList();
        if (cells.Where(cell => cell.Tags.Contains("thumbnail")).SelectMany(In).FirstOrDefault() is { } chosen)
            return chosen;
        var pictures = cells.SelectMany(In).ToList();
        var before = cells.TakeWhile(cell => !SiteVerdict.Of(cell).Any()).SelectMany(In).ToList();
        bool decided = cells.Exists(cell => SiteVerdict.Of(cell).Any());
        return (decided ? before.FindLast(IsDrawing) : null) ?? pictures.Find(IsDrawing) ?? pictures.FirstOrDefault();
    }

    private static bool IsDrawing(SitePicture picture) => picture.Extension == "svg";

    private static IEnumerable<SitePicture> In(NotebookCell cell)
    {
        foreach (var data in cell.Outputs.OfType<JsonObject>().Select(output => output["data"]).OfType<JsonObject>())
        {
            string words = MultiLine.Join(data["text/plain"]).Split('\n')[0];
            if (data["image/svg+xml"] is { } drawing)
                yield return new("svg", Encoding.UTF8.GetBytes(MultiLine.Join(drawing)), words);
            else if (Image().Match(MultiLine.Join(data["text/html"])) is { Success: true } image)
                yield return new(
                    image.Groups[3].Value == "png" ? "png" : "svg",
                    Convert.FromBase64String(image.Groups[4].Value),
                    WebUtility.HtmlDecode(image.Groups[2].Value)
                );
            else if (data["image/png"] is { } png)
                yield return new("png", Convert.FromBase64String(MultiLine.Join(png).ReplaceLineEndings("")), words);
        }
    }

    [GeneratedRegex(
        """<img\b[^>]*?\balt=(['"])(.*?)\1[^>]*?\bsrc=['"]data:image/(svg\+xml|png);base64,([A-Za-z0-9+/=]+)['"]"""
    )]
    private static partial Regex Image();
}
