using System.Text.Json;
using PatchKit.Data.Coco;
using PatchKit.Tests.Golden;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Data.Coco;

/// <summary>Masks as runs, to the last run as pycocotools has them: 10_rle, and polygons in odd places.</summary>
public sealed class RleTests
{
    private const string File = "10_rle";

    public static IEnumerable<TheoryDataRow<string>> Parts =>
        GoldenFile.Cases(File, _ => ["encode", "merge", "from_polygon", "from_box", "box_iou", "mask_iou"]);

    [Theory, MemberData(nameof(Parts))]
    public void GoldenPartsAreEqual(string part)
    {
        var json = GoldenFile.Open(File).Json.GetProperty(part);
        Action<JsonElement> check = part switch
        {
            "encode" => Encoded,
            "merge" => Merged,
            "from_polygon" => Drawn,
            "from_box" => Box,
            "box_iou" => BoxOverlaps,
            _ => MaskOverlaps,
        };
        foreach (var entry in json.ValueKind == JsonValueKind.Array ? [.. json.EnumerateArray()] : new[] { json })
            check(entry);
    }

    [Fact]
    public void PolygonsInOddPlacesAreDrawnAsPycocotoolsDrawsThem()
    {
        foreach (var entry in CocoFixtures.Read("polygons").EnumerateArray())
            Assert.Equal(
                entry.GetProperty("counts").GetString(),
                Rle.FromPolygon(
                        entry.GetProperty("h").GetInt32(),
                        entry.GetProperty("w").GetInt32(),
                        Numbers(entry.GetProperty("polygon"))
                    )
                    .ToString()
            );
    }

    [Fact]
    public void TextAndPixelsComeBackTheSame()
    {
        var random = new Random(3);
        for (int i = 0; i < 200; i++)
        {
            int height = random.Next(1, 30),
                width = random.Next(1, 30);
            var mask = new byte[height * width];
            double share = random.NextDouble();
            for (int at = 0; at < mask.Length; at++)
                mask[at] = random.NextDouble() < share ? (byte)1 : (byte)0;
            var runs = Rle.Encode(mask, height, width);
            Assert.Equal(mask, runs.Decode());
            Assert.Equal(runs.Counts, Rle.Parse(height, width, runs.ToString()).Counts);
            Assert.Equal(mask.Sum(value => value), runs.Area);
            Assert.Equal(mask, Rle.Merge([runs, runs], intersect: true).Decode());
        }
    }

    [Fact]
    public void DamagedRunsAreRefused()
    {
        Expect.Refused<ArgumentException>(() => Rle.Parse(5, 7, "S"), "\"S\"", "cut short");
        Expect.Refused<ArgumentException>(() => Rle.Parse(5, 7, "S1 "), "' '", "'0' to 'o'");
        Expect.Refused<ArgumentException>(() => Rle.Parse(5, 8, "S1"), "35 pixels", "40");
        Expect.Refused<ArgumentException>(() => Rle.Parse(5, 8, "N"), "-2 pixels");
        Expect.Refused<ArgumentException>(() => new Rle(0, 8, []), "8 x 0");
        Expect.Refused<ArgumentException>(() => new Rle(1, 8, []), "cover 0 pixels");
        Expect.Refused<ArgumentException>(() => Rle.FromPolygon(5, 5, []), "no point");
        Expect.Refused<ArgumentException>(() => Rle.FromPolygon(5, 5, [1e300, 0, 1, 1, 2, 2]), "1E+300");
        Expect.Refused<ArgumentException>(
            () => Rle.Merge([Rle.Parse(5, 7, "S1"), Rle.Parse(7, 5, "S1")]),
            "7 x 5",
            "5 x 7"
        );
        Expect.Refused<ArgumentException>(() => new CocoSegmentation([]).ToRle(5, 5), "empty list of polygons");
        Expect.Refused<ArgumentException>(
            () =>
                new CocoSegmentation([
                    [1.0, 2],
                ]).ToRle(5, 5),
            "2 numbers"
        );
    }

    private static void Encoded(JsonElement entry)
    {
        int height = entry.GetProperty("size")[0].GetInt32(),
            width = entry.GetProperty("size")[1].GetInt32();
        uint[] counts =
        [
            .. entry.GetProperty("counts_uncompressed").EnumerateArray().Select(count => count.GetUInt32()),
        ];
        string text = entry.GetProperty("counts").GetString()!;
        var runs = Rle.Parse(height, width, text);
        Assert.Equal(counts, runs.Counts.ToArray());
        Assert.Equal(text, new Rle(height, width, counts).ToString());
        Assert.Equal(entry.GetProperty("area").GetInt64(), runs.Area);
        Assert.Equal(Boxes(entry.GetProperty("bbox_xywh")), runs.Box);
        if (entry.GetProperty("mask_rows").ValueKind == JsonValueKind.Null)
            return;
        byte[] pixels =
        [
            .. entry
                .GetProperty("mask_rows")
                .EnumerateArray()
                .SelectMany(row => row.GetString()!.Select(letter => (byte)(letter - '0'))),
        ];
        Assert.Equal(pixels, runs.Decode());
        Assert.Equal(text, Rle.Encode(pixels, height, width).ToString());
    }

    private static void Merged(JsonElement entry)
    {
        Rle Part(string name) =>
            Rle.Parse(
                entry.GetProperty("size")[0].GetInt32(),
                entry.GetProperty("size")[1].GetInt32(),
                entry.GetProperty(name).GetString()
            );
        Assert.Equal(entry.GetProperty("union").GetString(), Rle.Merge([Part("a"), Part("b")]).ToString());
        Assert.Equal(
            entry.GetProperty("intersection").GetString(),
            Rle.Merge([Part("a"), Part("b")], intersect: true).ToString()
        );
    }

    private static void Drawn(JsonElement entry)
    {
        var runs = Rle.FromPolygon(
            entry.GetProperty("h").GetInt32(),
            entry.GetProperty("w").GetInt32(),
            Numbers(entry.GetProperty("polygon"))
        );
        Assert.Equal(entry.GetProperty("counts").GetString(), runs.ToString());
        Assert.Equal(entry.GetProperty("area").GetInt64(), runs.Area);
        Assert.Equal(Boxes(entry.GetProperty("bbox")), runs.Box);
    }

    private static void Box(JsonElement entry) =>
        Assert.Equal(
            entry.GetProperty("counts").GetString(),
            Rle.FromBox(
                    entry.GetProperty("h").GetInt32(),
                    entry.GetProperty("w").GetInt32(),
                    Boxes(entry.GetProperty("bbox"))
                )
                .ToString()
        );

    private static void BoxOverlaps(JsonElement entry)
    {
        CocoBox[] found = [.. entry.GetProperty("dt_xywh").EnumerateArray().Select(Boxes)],
            truth = [.. entry.GetProperty("gt_xywh").EnumerateArray().Select(Boxes)];
        for (int d = 0; d < found.Length; d++)
        for (int g = 0; g < truth.Length; g++)
        {
            Assert.Equal(
                entry.GetProperty("iou")[d][g].GetDouble(),
                CocoBox.Iou(found[d], truth[g], entry.GetProperty("iscrowd")[g].GetInt32() != 0)
            );
            Assert.Equal(entry.GetProperty("iou_nocrowd")[d][g].GetDouble(), CocoBox.Iou(found[d], truth[g], false));
        }
    }

    private static void MaskOverlaps(JsonElement entry)
    {
        Rle[] Masks(string name) =>
            [
                .. entry
                    .GetProperty(name)
                    .EnumerateArray()
                    .Select(text =>
                        Rle.Parse(
                            entry.GetProperty("size")[0].GetInt32(),
                            entry.GetProperty("size")[1].GetInt32(),
                            text.GetString()
                        )
                    ),
            ];
        var (found, truth) = (Masks("dt"), Masks("gt"));
        for (int d = 0; d < found.Length; d++)
        for (int g = 0; g < truth.Length; g++)
            Assert.Equal(
                entry.GetProperty("iou")[d][g].GetDouble(),
                Rle.Iou(found[d], truth[g], entry.GetProperty("iscrowd")[g].GetInt32() != 0)
            );
    }

    private static CocoBox Boxes(JsonElement box) =>
        new(box[0].GetDouble(), box[1].GetDouble(), box[2].GetDouble(), box[3].GetDouble());

    private static double[] Numbers(JsonElement numbers) =>
        [.. numbers.EnumerateArray().Select(number => number.GetDouble())];
}
