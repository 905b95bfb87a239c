using System.Text.RegularExpressions;
using PatchKit.Models;
using PatchKit.Tests.Golden;
using Xunit;

namespace PatchKit.Tests.Models;

/// <summary>
/// Names and shapes of the whole state dict, in the official order, against 04_state_dict_* and 05_state_dict_*.
/// </summary>
[Trait("speed", "seconds")]
public sealed class StateDictGolden
{
    public static IEnumerable<TheoryDataRow<string>> Files =>
        Found is { Length: > 0 } found
            ? found.Select(file => new TheoryDataRow<string>(file))
            : GoldenFile.Cases("04_state_dict", _ => []);

    private static string[] Found =>
        Directory.Exists(GoldenFile.Folder)
            ?
            [
                .. Directory
                    .EnumerateFiles(GoldenFile.Folder, "*_state_dict_*.json")
                    .Select(path => Path.GetFileNameWithoutExtension(path)!)
                    .Order(),
            ]
            : [];

    [Theory, MemberData(nameof(Files))]
    public void NamesShapesAndOrder(string file)
    {
        var parts = Regex.Match(file, @"state_dict_(\w+?)_(\w+)_patch(\d+)_(\d+)$").Groups;
        int side = int.Parse(parts[4].Value);
        using var model = ModelZoo
            .Find($"{parts[1].Value}-{parts[2].Value}")
            .Create(config => config with { Height = side, Width = side, PatchSize = int.Parse(parts[3].Value) });

        var reference = GoldenFile.Open(file).Json;
        Assert.Equal(
            reference
                .GetProperty("keys")
                .EnumerateArray()
                .Select(key =>
                    $"{key.GetProperty("name").GetString()} "
                    + $"[{string.Join(", ", key.GetProperty("shape").EnumerateArray())}]"
                ),
            model.state_dict().Select(entry => $"{entry.Key} [{string.Join(", ", entry.Value.shape)}]")
        );
        Assert.Equal(
            reference.GetProperty("total_params").GetInt64(),
            model.parameters().Sum(parameter => parameter.numel())
        );
        if (reference.TryGetProperty("named_parameters_order", out var order))
            Assert.Equal(
                order.EnumerateArray().Select(name => name.GetString()),
                model.named_parameters().Select(entry => entry.name)
            );
    }
}
