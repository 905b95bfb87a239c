using System.Text.Json;

namespace PatchKit.Cli;

/// <summary>How commands print JSON.</summary>
internal static class CommandJson
{
    internal static JsonSerializerOptions Indented { get; } = new() { WriteIndented = true };
}
