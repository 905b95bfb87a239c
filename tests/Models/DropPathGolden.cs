using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using PatchKit.Models;
using PatchKit.Tests.Golden;
using Xunit;

namespace PatchKit.Tests.Models;

/// <summary>Drop-path rates of both families against 06_drop_path, at every depth and last rate it lists.</summary>
public sealed class DropPathGolden
{
    private const string File = "06_drop_path";

    public static IEnumerable<TheoryDataRow<string>> Adventurers => Cases("adventurer");
    public static IEnumerable<TheoryDataRow<string>> Deits => Cases("deit");

    [Theory, MemberData(nameof(Adventurers))]
    public void OfAdventurer(string name) => Compare("adventurer", name, DropPath.AdventurerRates);

    [Theory, MemberData(nameof(Deits))]
    public void OfDeit(string name) => Compare("deit", name, DropPath.DeitRates);

    private static IEnumerable<TheoryDataRow<string>> Cases(string family) =>
        GoldenFile.Cases(File, file => file.Json.GetProperty(family).EnumerateObject().Select(entry => entry.Name));

    // The reference's rates went through float32.
    private static void Compare(string family, string name, Func<double, int, double[]> rates)
    {
        var numbers = Regex.Match(name, @"^depth(\d+)_rate([\d.]+)$").Groups;
        double[] expected = GoldenFile.Open(File).Json.GetProperty(family).GetProperty(name).Deserialize<double[]>()!;
        double[] actual = rates(
            double.Parse(numbers[2].Value, CultureInfo.InvariantCulture),
            int.Parse(numbers[1].Value, CultureInfo.InvariantCulture)
        );
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-7));
    }
}
