using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using PatchKit.Models;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Cli;

/// <summary>A JSON file that holds a model's configuration, alone or under "model" in a run's.</summary>
internal static class ModelFile
{
    private static readonly JsonSerializerOptions s_json = new(RunConfig.Json)
    {
        PropertyNameCaseInsensitive = true,
        AllowOutOfOrderMetadataProperties = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>Whether --model names such a file, not a preset.</summary>
    internal static bool IsNamedBy(string name) => name.EndsWith(".json", StringComparison.OrdinalIgnoreCase);

    /// <summary>The model's configuration.</summary>
    /// <exception cref="ArgumentException">The file holds none.</exception>
    internal static BackboneConfig Config(string path)
    {
        try
        {
            var written = Read(path);
            return (written?["model"] ?? written).Deserialize<BackboneConfig>(s_json)
                ?? throw new JsonException("it is null.");
        }
        catch (Exception e)
            when (e is JsonException or NotSupportedException or IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException(
                $"{path} is no model's configuration: {FailureSentence.Of(e)} Write it as {{\"$type\": "
                    + "\"vit\", \"embedDim\": 192, \"heads\": 3} or {\"$type\": \"adventurer\", \"depth\": 6}.",
                e
            );
        }
    }

    /// <summary>
    /// The set in a run's configuration; null where the file is none, or is of before sets were what they are.
    /// </summary>
    internal static DataConfig? LearntFrom(string path)
    {
        try
        {
            return Read(path)?["data"]?.Deserialize<DataConfig>(RunConfig.Json);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            return null;
        }
    }

    private static JsonObject? Read(string path) => JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject;
}
