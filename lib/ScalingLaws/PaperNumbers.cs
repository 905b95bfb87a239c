using System.Text.Json;
using System.Text.RegularExpressions;

namespace PatchKit.ScalingLaws;

/// <summary>
/// The paper's published numbers: Tables 1 to 7, and the nine panels of Figure 1 read off the picture. The files are
/// lib/ScalingLaws/paper/*.json, embedded; the recipes of Tables 8 to 10 are read by name from <see cref="Tables"/>.
/// </summary>
public static partial class PaperNumbers
{
    private static readonly string[] s_patches = ["p16", "p8", "p4", "p2", "p1"];
    private static readonly Lazy<JsonElement> s_tables = new(() => Embedded("tables")),
        s_figure1 = new(() => Embedded("figure1"));

    /// <summary>tables.json as it is, with the remarks that the records below leave out.</summary>
    public static JsonElement Tables => s_tables.Value;

    /// <summary>How precisely Figure 1 was read off.</summary>
    public static string Figure1Precision => s_figure1.Value.GetProperty("precision").GetString()!;

    /// <summary>
    /// Table 1: ImageNet-1k top-1 by model, input and patch size; a row of null is a cell that the paper leaves empty.
    /// </summary>
    public static IReadOnlyList<PaperAccuracy> Table1 { get; } =
    [
        .. Tables
            .GetProperty("table1_imagenet_top1")
            .EnumerateArray()
            .SelectMany(row =>
                s_patches.Select(patch => new PaperAccuracy(
                    Text(row, "model"),
                    Whole(row, "input"),
                    PatchOf(patch),
                    Optional(row.GetProperty(patch))
                ))
            ),
    ];

    /// <summary>Table 2: ADE20K mIoU.</summary>
    public static IReadOnlyList<PaperSegmentation> Table2 { get; } =
    [
        .. Tables
            .GetProperty("table2_ade20k_miou")
            .EnumerateArray()
            .Select(row => new PaperSegmentation(
                Text(row, "model"),
                Text(row, "decoder"),
                Whole(row, "params_m"),
                Whole(row, "patch"),
                Real(row, "miou")
            )),
    ];

    /// <summary>Table 3: COCO average precision of boxes and masks.</summary>
    public static IReadOnlyList<PaperDetection> Table3 { get; } =
    [
        .. Tables
            .GetProperty("table3_coco")
            .EnumerateObject()
            .Where(model => model.Value.ValueKind == JsonValueKind.Object)
            .SelectMany(model => model.Value.EnumerateObject().Select(row => Detection(model.Name, row))),
    ];

    /// <summary>Table 4: Adventurer's ImageNet-1k top-1 by width, input and patch size.</summary>
    public static IReadOnlyList<PaperAccuracy> Table4 { get; } =
    [
        .. from input in Tables.GetProperty("table4_imagenet_top1_adventurer").EnumerateObject()
        where input.Value.ValueKind == JsonValueKind.Object
        from model in input.Value.EnumerateObject()
        from cell in model.Value.EnumerateArray().Zip(s_patches)
        select new PaperAccuracy(
            "Adventurer-" + model.Name,
            int.Parse(input.Name),
            PatchOf(cell.Second),
            cell.First.GetDouble()
        ),
    ];

    /// <summary>
    /// Table 5: top-1 by sequence length, with more tokens of the same patches and with smaller patches.
    /// </summary>
    public static IReadOnlyList<PaperSequence> Table5 { get; } =
    [
        .. Tables
            .GetProperty("table5_sequence_length")
            .EnumerateArray()
            .SelectMany(model =>
                model
                    .GetProperty("rows")
                    .EnumerateArray()
                    .Select(row => new PaperSequence(
                        Text(model, "model"),
                        Whole(model, "input"),
                        Whole(row, "length"),
                        Real(row, "by_extending"),
                        Real(row, "by_scaling")
                    ))
            ),
    ];

    /// <summary>Table 6: memory and time at 224 x 224.</summary>
    public static IReadOnlyList<PaperCost> Table6 { get; } =
    [
        .. Tables
            .GetProperty("table6_compute_224")
            .GetProperty("rows")
            .EnumerateArray()
            .Select(row => new PaperCost(
                row[0].GetInt32(),
                row[1].GetInt32(),
                row[2].GetInt32(),
                row[3].GetDouble(),
                row[4].GetDouble()
            )),
    ];

    /// <summary>Table 7: the models.</summary>
    public static IReadOnlyList<PaperModel> Table7 { get; } =
    [
        .. Tables
            .GetProperty("table7_models")
            .EnumerateObject()
            .Where(row => row.Name != "columns")
            .Select(row => new PaperModel(
                row.Name,
                row.Value[0].GetInt32(),
                row.Value[1].GetInt32(),
                row.Value[2].GetInt32(),
                row.Value[3].GetInt32()
            )),
    ];

    /// <summary>The nine panels of Figure 1, a to i.</summary>
    public static IReadOnlyList<Figure1Panel> Figure1 { get; } =
    [
        .. s_figure1
            .Value.GetProperty("panels")
            .EnumerateObject()
            .Select(panel => new Figure1Panel(
                panel.Name,
                Text(panel.Value, "what"),
                [.. panel.Value.GetProperty("ticks").EnumerateArray().Select(tick => tick.GetDouble())],
                Real(panel.Value, "floor"),
                Real(panel.Value, "alpha"),
                [
                    .. panel
                        .Value.GetProperty("points")
                        .EnumerateArray()
                        .Select(point => new LossPoint(point[0].GetDouble(), point[1].GetDouble())),
                ]
            )),
    ];

    private static PaperDetection Detection(string model, JsonProperty row)
    {
        double[] ap = [.. row.Value.EnumerateArray().Select(value => value.GetDouble())];
        return new PaperDetection(model, int.Parse(row.Name), ap[0], ap[1], ap[2], ap[3], ap[4], ap[5]);
    }

    private static JsonElement Embedded(string name)
    {
        using var stream = typeof(PaperNumbers).Assembly.GetManifestResourceStream($"paper/{name}.json")!;
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }

    private static int PatchOf(string column) => int.Parse(Digits().Match(column).Value);

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString()!;

    private static int Whole(JsonElement row, string name) => row.GetProperty(name).GetInt32();

    private static double Real(JsonElement row, string name) => row.GetProperty(name).GetDouble();

    private static double? Optional(JsonElement cell) => cell.ValueKind == JsonValueKind.Null ? null : cell.GetDouble();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();
}

/// <summary>A cell of Table 1 or 4.</summary>
/// <param name="Model">such as "DeiT-Base".</param>
/// <param name="Input">the image's side in pixels.</param>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="Top1">ImageNet-1k top-1 accuracy in percent; null where the paper has none.</param>
public sealed record PaperAccuracy(string Model, int Input, int PatchSize, double? Top1);

/// <summary>A row of Table 7.</summary>
/// <param name="Name">such as "Adventurer-Base".</param>
/// <param name="EmbedDim">the token dimension.</param>
/// <param name="MlpDim">the width of the hidden layer.</param>
/// <param name="Blocks">the depth.</param>
/// <param name="Parameters">in millions.</param>
public sealed record PaperModel(string Name, int EmbedDim, int MlpDim, int Blocks, int Parameters);

/// <summary>A row of Table 2.</summary>
/// <param name="Model">such as "Adventurer-B".</param>
/// <param name="Decoder">"UperNet", or "None" for one linear layer.</param>
/// <param name="Parameters">in millions.</param>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="MIoU">ADE20K mean intersection over union in percent.</param>
public sealed record PaperSegmentation(string Model, string Decoder, int Parameters, int PatchSize, double MIoU);

/// <summary>A row of Table 5: ImageNet-1k top-1 in percent at a sequence length.</summary>
/// <param name="Model">such as "DeiT-Base".</param>
/// <param name="Input">the image's side in pixels.</param>
/// <param name="Length">tokens, without the class token.</param>
/// <param name="ByExtending">the tokens of p = 16, interpolated to the length.</param>
/// <param name="ByScaling">true patches of the size that gives the length.</param>
public sealed record PaperSequence(string Model, int Input, int Length, double ByExtending, double ByScaling);
