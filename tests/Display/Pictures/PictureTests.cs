using PatchKit.Data.Images;
using PatchKit.Display.Formatting;
using PatchKit.Display.Pictures;
using PatchKit.Tests.Display.Formatting;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Display.Pictures;

/// <summary>
/// Pictures: the same bytes back from the PNG, patches, maps, classes and boxes, and tensors in a line.
/// </summary>
public sealed class PictureTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void ToImageSharpAndBackNoPixelChanges()
    {
        var random = new Random(5);
        foreach (var (width, height) in new[] { (1, 1), (7, 3), (64, 80) })
        {
            var pixels = new byte[3 * width * height];
            random.NextBytes(pixels);
            var picture = Picture.Of(width, height, pixels);
            using var image = picture.ToImageSharp();
            Assert.Equal((width, height), (image.Width, image.Height));
            Assert.Equal(
                (pixels[^3], pixels[^2], pixels[^1]),
                (image[width - 1, height - 1].R, image[width - 1, height - 1].G, image[width - 1, height - 1].B)
            );
            Assert.Equal(pixels, image.ToPicture().Pixels.ToArray());
            // By a file without loss, too, and what its functions do is theirs alone.
            using var file = new MemoryStream();
            SixLabors.ImageSharp.ImageExtensions.SaveAsBmp(image, file);
            using var read = PatchKit.Data.Images.ImageCodec.Decode(file.ToArray());
            Assert.Equal(pixels, read.Pixels.ToArray());
            image[0, 0] = new(1, 2, 3);
            Assert.Equal(pixels[0], picture.Pixels[0]);
        }
    }

    [Fact]
    public void APngHoldsTheSameBytes()
    {
        byte[] pixels = [.. Enumerable.Range(0, 3 * 5 * 7).Select(i => (byte)(i * 37))];
        var picture = Picture.Of(7, 5, pixels);
        using var image = ImageCodec.Decode(picture.ToPng());
        Assert.Equal((7, 5), (image.Width, image.Height));
        Assert.Equal(pixels, image.Pixels.ToArray());
        string data = UntrustedTests.Drawing(Source(picture)).Elements().Single().Attribute("href")!.Value;
        using var shown = ImageCodec.Decode(Convert.FromBase64String(data["data:image/png;base64,".Length..]));
        Assert.Equal(pixels, shown.Pixels.ToArray());
        using var large = ImageCodec.Decode(Convert.FromBase64String(picture.Render(Mime.Png)));
        Assert.Equal((7 * picture.Zoom, 5 * picture.Zoom), (large.Width, large.Height));
        Assert.Equal(pixels[..3], large.Row(picture.Zoom - 1)[..3].ToArray());
    }

    [Fact]
    public void TensorsOfBytesAndOfNumbersGiveTheSamePicture()
    {
        var bytes = arange(3 * 4 * 4, dtype: ScalarType.Byte).reshape(3, 4, 4);
        var picture = Picture.Of(bytes);
        Assert.Equal(picture.Pixels.ToArray(), Picture.Of(bytes.to(ScalarType.Float32) / 255).Pixels.ToArray());
        Assert.Equal([0, 16, 32], picture.Pixels[..3].ToArray());
        Assert.Equal([5, 5, 5], Picture.Of(bytes[0]).Pixels.Slice(15, 3).ToArray());
        var wide = Picture.Of(tensor(new[] { -2f, 0f, 2f, float.NaN }).reshape(2, 2));
        Assert.Equal([0, 128, 255, 0], wide.Pixels.ToArray().Where((_, i) => i % 3 == 0).ToArray());
        Assert.Equal("values from −2 (black) to 2 (white)", wide.Caption);
        Assert.Contains(
            "images have the shape",
            Assert.Throws<ArgumentException>(() => Picture.Of(zeros([2, 4, 4]))).Message
        );
        Assert.Contains(
            "ImageGrid.Of",
            Assert.Throws<ArgumentException>(() => Picture.Of(zeros([2, 3, 4, 4]))).Message
        );
    }

    [Fact]
    public void PatchesStandApartWithTheirPixelsUnchanged()
    {
        var picture = Picture.Of(arange(16, dtype: ScalarType.Byte).reshape(4, 4)) with { Zoom = 3 };
        var cut = picture.Patches(2, gap: 2);
        Assert.Equal((14, 14), (cut.Width, cut.Height));
        Assert.Equal("4 patches of 2 × 2", cut.Caption);
        byte At(int x, int y) => cut.Pixels[3 * (y * 14 + x)];
        Assert.Equal([0, 1, 255, 2, 3], new[] { At(0, 0), At(5, 0), At(6, 0), At(8, 0), At(13, 0) });
        Assert.Equal((10, 15), (At(8, 8), At(13, 13)));
        Assert.StartsWith("data:image/png;base64,", Source(cut));
        Assert.Equal(
            "patch size 3 does not divide an image of 4 x 4 pixels; use a divisor of both sides such as 1, 2 or 4.",
            Assert.Throws<ArgumentException>(() => picture.Patches(3)).Message
        );
    }

    [Fact]
    public void AMapLiesOverTheImageAndANaNLeavesItAsItIs()
    {
        var picture = Picture.Of(zeros([3, 4, 4]));
        var over = picture.Overlay(tensor(new[] { 0f, 1f, float.NaN, 0.5f }).reshape(2, 2), opacity: 1);
        Assert.Equal(Palette.Parse("#440154"), Pixel(over, 0, 0));
        Assert.Equal(Palette.Parse("#FDE725"), Pixel(over, 3, 1));
        Assert.Equal((0, 0, 0), Pixel(over, 0, 3));
        Assert.Equal(["0", "0.5", "1"], over.Legend.Select(entry => entry.Name));
        Assert.Equal((2, 3), (Picture.OfMap(zeros([3, 2])).Width, Picture.OfMap(zeros([3, 2])).Height));
        Assert.Contains("(H, W)", Assert.Throws<ArgumentException>(() => picture.Overlay(zeros([1, 2, 2]))).Message);
    }

    [Fact]
    public void ASegmentationHasALegendOfWhatOccurs()
    {
        var picture = Picture.Of(zeros([3, 2, 4]));
        var labels = tensor(new long[] { 0, 0, 0, 2, 2, 0, 255, 255 }).reshape(2, 4);
        var shown = picture.Segmentation(labels, ["sky", "sea", "land"], opacity: 1);
        Assert.Equal(["sky 50%", "land 25%"], shown.Legend.Select(entry => entry.Name));
        Assert.Equal(Palette.Class(2), Pixel(shown, 3, 0));
        Assert.Equal((0, 0, 0), Pixel(shown, 3, 1));
        Assert.Contains(
            "class 2, but there are names for 0 to 1",
            Assert.Throws<ArgumentException>(() => picture.Segmentation(labels, ["sky", "sea"])).Message
        );
        Assert.Contains(
            "resize one of them",
            Assert.Throws<ArgumentException>(() => picture.Segmentation(labels[0].reshape(2, 2), ["sky"])).Message
        );
        Assert.Equal(200, Enumerable.Range(0, 200).Select(Palette.Class).Distinct().Count());
    }

    [Fact]
    public void BoxesLieOnTheirPixels()
    {
        var drawing = UntrustedTests.Drawing(
            Source(Picture.Of(zeros([3, 10, 20])) with { Zoom = 10, Boxes = [new Box(2, 3, 8, 9, "cat & dog 0.93")] })
        );
        var box = drawing
            .Descendants()
            .Last(element => element.Name.LocalName == "rect" && element.Attribute("fill")!.Value == "none");
        Assert.Equal(
            ["20", "30", "60", "60"],
            new[] { "x", "y", "width", "height" }.Select(name => box.Attribute(name)!.Value)
        );
        Assert.Contains("cat & dog 0.93", drawing.Value);
    }

    [Fact]
    public void LabelsOfBoxesAtOnePlaceDoNotHideEachOther()
    {
        var drawing = UntrustedTests.Drawing(
            Source(
                Picture.Of(zeros([3, 20, 20])) with
                {
                    Zoom = 10,
                    Boxes = [.. Enumerable.Range(0, 3).Select(i => new Box(2, 3, 8, 9, $"tall 0{i} 0.93"))],
                }
            )
        );
        double[] tops =
        [
            .. drawing
                .Descendants()
                .Where(element => element.Name.LocalName == "text")
                .Select(text =>
                    double.Parse(text.Attribute("y")!.Value, System.Globalization.CultureInfo.InvariantCulture)
                )
                .Order(),
        ];
        Assert.Equal(3, tops.Length);
        Assert.All(tops.Zip(tops.Skip(1)), pair => Assert.True(pair.Second - pair.First >= 15));
    }

    [Fact]
    public void AGridSharesOneRangeAndFitsThePage()
    {
        var grid = ImageGrid.Of(stack([zeros([3, 8, 8]), full([3, 8, 8], 4f)]), ["dark", "light"]);
        Assert.Equal("values from 0 (black) to 4 (white)", grid.Title);
        Assert.Equal((0, 255), (grid.Pictures[0].Pixels[0], grid.Pictures[1].Pixels[0]));
        Assert.Equal(2, grid.ToHtml().Split("<img ").Length - 1);
        using var sheet = ImageCodec.Decode(grid.ToPng());
        Assert.Equal(2 * 8 * grid.Pictures[0].Zoom + 6, sheet.Width);
        Assert.Contains("no pictures", new ImageGrid().ToHtml());
    }

    [Fact]
    public void ATensorIsOneLine()
    {
        Assert.Equal(
            "x: float32 (2, 3) on cpu, 6 values, 24 bytes; min 0, mean 2.5, max 5",
            TensorSummary.Of(arange(6, dtype: ScalarType.Float32).reshape(2, 3), "x").ToString()
        );
        Assert.Equal(
            "float32 (3) on cpu, 3 values, 12 bytes; min 1, mean 1, max 1; 2 not finite",
            TensorSummary.Of(tensor(new[] { 1f, float.NaN, float.PositiveInfinity })).ToString()
        );
        Assert.Equal(
            "int64 (0) on cpu, 0 values, 0 bytes",
            TensorSummary.Of(zeros([0], dtype: ScalarType.Int64)).ToString()
        );
        Assert.EndsWith("min 0, mean 0.5, max 1", TensorSummary.Of(tensor(new[] { true, false })).ToString());
        Assert.Contains("3 not finite", TensorSummary.Of(full([3], float.NaN)).ToString());
    }

    [Fact]
    public void ASliderHasAllItsStops()
    {
        var picture = Picture.Of(zeros([3, 4, 4]));
        string html = new Slider("patch size", [("2", picture.Patches(2)), ("1", picture.Patches(1))]).ToHtml();
        Assert.Contains("4 patches of 2 × 2", html);
        Assert.Contains("16 patches of 1 × 1", html);
        Assert.Equal(2, html.Split("data-stop=").Length - 1);
    }

    private static (byte, byte, byte) Pixel(Picture picture, int x, int y)
    {
        var at = picture.Pixels.Slice(3 * (y * picture.Width + x), 3);
        return (at[0], at[1], at[2]);
    }

    private static string Source(Picture picture) => picture.ToHtml().Split(" src='")[1].Split('\'')[0];
}
