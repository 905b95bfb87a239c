using System.Text.Json;
using PatchKit.Cli;
using PatchKit.Data.Images;
using PatchKit.Tests.Data.Images;
using Xunit;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Cli;

/// <summary>`patchkit predict` against the library's own scores.</summary>
public sealed class PredictCommandTests : IDisposable
{
    private static readonly string Colour = Path.Combine(ImageFiles.Folder, "colour.png"),
        Grey = Path.Combine(ImageFiles.Folder, "grey.jpg");
    private readonly ScoredModel _scored = new();

    public void Dispose() => _scored.Dispose();

    [Fact]
    public void TheBestClassesAndTheirProbabilities()
    {
        var run = Predict("--top", "3", "--json", Colour, Grey);
        Assert.Equal((0, ""), (run.Code, run.Errors));
        var found = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(2, found.GetArrayLength());
        foreach (var (entry, path) in found.EnumerateArray().Zip([Colour, Grey]))
        {
            Assert.Equal(path, entry.GetProperty("image").GetString());
            var (best, guesses) = (Best(path)[..3], entry.GetProperty("classes").EnumerateArray().ToArray());
            Assert.Equal(
                best.Select(guess => ($"class {guess.Class}", guess.Class)),
                guesses.Select(guess => (guess.GetProperty("name").GetString()!, guess.GetProperty("index").GetInt32()))
            );
            foreach (var (expected, actual) in best.Zip(guesses))
                Assert.Equal(expected.Probability, actual.GetProperty("probability").GetDouble(), 1e-6);
        }
    }

    [Fact]
    public void ClassesAreCalledAsAFileOrASetDoes()
    {
        int best = Best(Colour)[0].Class;
        File.WriteAllLines(
            _scored["names.txt"],
            Enumerable.Range(0, ScoredModel.Classes).Select(label => $"animal {label}")
        );
        foreach (
            var (option, path, name) in new[]
            {
                ("--classes", "names.txt", $"animal {best}"),
                ("--data", "val", ScoredModel.ClassFolder(best)),
            }
        )
        {
            string[] lines = Predict(option, _scored[path], Colour).Output.TrimEnd().Split('\n');
            Assert.Equal(6, lines.Length);
            Assert.Equal(Colour, lines[0]);
            Assert.Equal($"{Best(Colour)[0].Probability, 10:P2}  {name}", lines[1]);
        }
    }

    [Fact]
    public void ABadImageIsASentenceAndTheOthersGoOn()
    {
        File.WriteAllText(_scored["bad.png"], "no image");
        string none = _scored["none.jpg"];
        var run = Predict(_scored["bad.png"], Colour, none, Grey);
        Assert.Equal(1, run.Code);
        Assert.Contains(_scored["bad.png"], run.Errors);
        Assert.Contains($"{none} does not exist", run.Errors);
        Assert.Equal([Colour, Grey], run.Output.Split('\n').Where(File.Exists));

        var found = JsonDocument.Parse(Predict("--json", none, Grey).Output).RootElement;
        Assert.StartsWith(none, found[0].GetProperty("error").GetString());
        Assert.False(found[0].TryGetProperty("classes", out _) || found[1].TryGetProperty("error", out _));
    }

    [Fact]
    public void NoClassAtAllIsRefused() =>
        Expect.Refused<ArgumentException>(() => Predict("--top", "0", Colour), "--top 0");

    private CommandRun Predict(params string[] arguments) =>
        CommandRun.Of(PredictCommand.Create(), [.. _scored.Options, .. arguments]);

    private (int Class, double Probability)[] Best(string path)
    {
        using var image = ImageCodec.Read(path);
        double[] powers = [.. _scored.Scores(image).Select(Math.Exp)];
        return
        [
            .. powers
                .Index()
                .OrderByDescending(power => power.Item)
                .Select(power => (power.Index, power.Item / powers.Sum())),
        ];
    }
}
