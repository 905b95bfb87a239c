using PatchKit.Display.Formatting;
using static TorchSharp.torch;

namespace PatchKit.Display.Pictures;

/// <summary>Pictures side by side.</summary>
/// <param name="Pictures">the pictures, row by row.</param>
[TypeFormatterSource(typeof(FormatterSource<ImageGrid>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed record ImageGrid(params IReadOnlyList<Picture> Pictures) : IRendered
{
    private const int Gap = 6,
        Broad = 720;

    /// <summary>What stands above them.</summary>
    public string Title { get; init; } = "";

    /// <summary>Pictures in a row; 0 for as many as fit the page.</summary>
    public int Columns { get; init; }

    /// <summary>A batch (N, 3, H, W) or (N, 1, H, W) of bytes or numbers, which share one range.</summary>
    /// <param name="images">the batch.</param>
    /// <param name="captions">what stands below each.</param>
    /// <param name="range">what is black and what is white; see
    /// <see cref="Picture.Of(Tensor, ValueTuple{double, double}?)"/>.</param>
    /// <param name="zoom">how many pixels of the screen a pixel is wide; 0 to suit the page.</param>
    /// <exception cref="ArgumentException">The tensor has another shape.</exception>
    public static ImageGrid Of(
        Tensor images,
        IReadOnlyList<string>? captions = null,
        (double Low, double High)? range = null,
        int zoom = 0
    )
    {
        var all = TensorPixels.Images(images, range, out string remark);
        int suited =
            zoom > 0 || all.Count == 0
                ? zoom
                : Math.Max(
                    1,
                    (
                        all.Count > 12 ? 72
                        : all.Count > 4 ? 112
                        : 170
                    ) / Math.Max(all[0].Width, all[0].Height)
                );
        return new([
            .. all.Select(
                (one, i) =>
                    Picture.Of(one.Width, one.Height, one.Pixels) with
                    {
                        Zoom = suited,
                        Caption = captions?.ElementAtOrDefault(i) ?? "",
                    }
            ),
        ])
        {
            Title = remark,
        };
    }

    /// <summary>The pictures in HTML.</summary>
    public string ToHtml()
    {
        var html = new Markup().Raw("<div>");
        if (Title.Length > 0)
            html.Add($"<div style='font-size:13px;margin-bottom:5px;font-weight:600'>{Title}</div>");
        if (Pictures.Count == 0)
            html.Raw("<em>no pictures</em>");
        html.Add(
            $"<div style='display:grid;grid-template-columns:repeat("
                + $"{ColumnCount},minmax(0,max-content));gap:{Gap + 4}px {Gap + 14}px'>"
        );
        foreach (var picture in Pictures)
            html.Raw(picture.ToHtml());
        return html.Raw("</div></div>").ToString();
    }

    /// <summary>All pictures in one PNG file, at their zoom, without their words.</summary>
    public byte[] ToPng()
    {
        if (Pictures.Count == 0)
            return Pixels.Png([255, 255, 255], 1, 1);
        int columns = ColumnCount,
            rows = (Pictures.Count + columns - 1) / columns;
        int cellWidth = Pictures.Max(one => one.Width * one.Zoom),
            cellHeight = Pictures.Max(one => one.Height * one.Zoom);
        int width = columns * (cellWidth + Gap) - Gap,
            height = rows * (cellHeight + Gap) - Gap;
        var sheet = new byte[3 * width * height];
        Array.Fill(sheet, (byte)255);
        for (int i = 0; i < Pictures.Count; i++)
        {
            var one = Pictures[i];
            int left = i % columns * (cellWidth + Gap),
                top = i / columns * (cellHeight + Gap),
                row = 3 * one.Width * one.Zoom;
            byte[] large = Pixels.Enlarged(one.Pixels, one.Width, one.Height, one.Zoom);
            for (int y = 0; y < one.Height * one.Zoom; y++)
                large.AsSpan(y * row, row).CopyTo(sheet.AsSpan(3 * ((top + y) * width + left)));
        }
        return Pixels.Png(sheet, width, height);
    }

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => ToHtml(),
            Mime.Png => Convert.ToBase64String(ToPng()),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>What the pictures are, a line for each.</summary>
    public override string ToString() =>
        string.Join(
            '\n',
            Pictures.Select(one => one.ToString()).Prepend(Title.Length > 0 ? Title : $"{Pictures.Count} pictures")
        );

    private int ColumnCount =>
        Math.Max(
            1,
            Math.Min(
                Pictures.Count,
                Columns > 0
                    ? Columns
                    : Broad / (Gap + 14 + Pictures.Select(one => one.Width * one.Zoom).DefaultIfEmpty(1).Max())
            )
        );
}
