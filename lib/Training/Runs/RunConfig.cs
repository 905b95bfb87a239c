using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using PatchKit.Data.Sets;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training.Recipes;
using PatchKit.Training.Tasks;

namespace PatchKit.Training.Runs;

/// <summary>
/// All that a run's numbers depend on, but for the machine's rounding. Two runs of one configuration are one run.
/// </summary>
public sealed record RunConfig
{
    // Raised when training itself changes, so that older results are not taken for this code's.
    private const int Format = 1;

    /// <summary>How configurations and results are written.</summary>
    public static JsonSerializerOptions Json { get; } =
        new()
        {
            WriteIndented = true,
            IgnoreReadOnlyProperties = true,
            IncludeFields = true,
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            Converters = { new JsonStringEnumConverter(), new FiniteOrNull() },
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true, // half a result is none
        };

    /// <summary>The model, its patch size among the rest.</summary>
    public required BackboneConfig Model { get; init; }

    /// <summary>How it is trained.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>What it learns from.</summary>
    public required DataConfig Data { get; init; }

    /// <summary>
    /// The run whose final weights it starts from, trained first where it is not in the cache; none where null.
    /// Positions are resized, a head for other classes is drawn anew.
    /// </summary>
    public RunConfig? StartsFrom { get; init; }

    /// <summary>
    /// What the model is trained for; classification where null, which is then not written, so that the keys of
    /// classification runs are what they were before there were tasks.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskConfig? Task { get; init; }

    /// <summary>
    /// Whether the patch embedding of the run that it starts from is resized to this one's patch size
    /// (<see cref="PatchKit.Patchify.PatchTransfer"/>); otherwise another size is refused.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool TransferPatch { get; init; }

    /// <summary>Seeds weights, images, order and augmentation.</summary>
    public long Seed { get; init; }

    /// <summary>
    /// What happened to images that could not be read. A run remembers it, so that it goes on and is told by it; no
    /// part of its key, as it changes nothing of a set that is whole.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public BadSample OnBadSample { get; init; }

    /// <summary>
    /// A name for it: 16 hexadecimal digits of a hash over everything that changes numbers, which the recipe's
    /// descriptions and the data's folder do not.
    /// </summary>
    [JsonIgnore]
    public string Key
    {
        get
        {
            var node = JsonSerializer.SerializeToNode(this, Json)!.AsObject();
            node["recipe"] = JsonSerializer.SerializeToNode(RecipeOverrides.Settings(Recipe), Json);
            node["data"]!.AsObject().Remove("folder");
            if (Data is ImageDataConfig)
                node["data"]!.AsObject().Remove("names");
            node.Remove("onBadSample");
            if (StartsFrom is not null)
                node["startsFrom"] = StartsFrom.Key;
            node["format"] = Format;
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(node.ToJsonString())))[..16];
        }
    }

    /// <summary>Steps of training, but for those that a sampler leaves out.</summary>
    [JsonIgnore]
    public long Steps => Recipe.Epochs * Math.Max(1, Data.EpochImages(Recipe) / Recipe.BatchSize);

    /// <summary>
    /// Floating-point operations of training on one image: three times the forward pass, two for each
    /// multiply-accumulate.
    /// </summary>
    [JsonIgnore]
    public double FlopsPerImage => ThroughputCurve.FlopsPerMac * (Task?.Macs(Model) ?? Model.Cost().Macs);

    /// <summary>Floating-point operations of the training.</summary>
    [JsonIgnore]
    public double Flops => FlopsPerImage * Steps * Recipe.BatchSize;

    /// <summary>
    /// A line for people: "ViT D=48 x2, p=8, generated images, 16x16 pixels, teach, 600 steps, seed 10".
    /// </summary>
    public override string ToString()
    {
        bool isExtended = Model.TokenPatchSize is { } tokens && tokens != Model.PatchSize;
        return $"{Family} D={Model.EmbedDim} x{Model.Depth}, "
            + $"p={Model.PatchSize}{(isExtended ? $" extended to {Model.TokenGrid} tokens" : "")}"
            + $"{(Task is null ? "" : $", {Task.Title}")}, "
            + $"{Data.Title}, {Recipe.Name}, {Steps:N0} steps, seed {Seed}";
    }

    /// <summary>The kind of its model.</summary>
    [JsonIgnore]
    public Family Family => Model.Family;
}
