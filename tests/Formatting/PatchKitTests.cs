using CsNotebook.Engine;
using CsNotebook.Notebook;
using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using PatchKit.Display.Pictures;
using PatchKit.Display.Progress;
using PatchKit.Display.Tables;
using Xunit;

namespace Formatting.Tests;

/// <summary>
/// PatchKit in csnotebook: its types look the same as in .NET Interactive, and it finds what it needs.
/// </summary>
[Trait("speed", "seconds")]
public sealed class PatchKitTests : FormatTest
{
    private static readonly Picture Dot = Picture.Of(1, 1, [1, 2, 3]);

    private static readonly Panel Panel = new Panel(
        Axis.PowersOfTwo("patch size", "pixels"),
        new Axis("test loss", "nats")
    ).Scatter("paper", [1, 2, 4], [0.5, 0.75, 1], Origin.Paper);

    private static readonly object[] Values =
    [
        Panel,
        Panel.ToFigure("Loss <by> patch size & \"more\"", ""),
        Loader.FromUrl("https://example.org/plotly.min.js"),
        Table.PaperAgainstOurs(
            "Table 1",
            "patch size",
            "test loss",
            [("16", 1.1138, 1.1438), ("8", 0.923, null)],
            Best.Lowest,
            unit: "nats"
        ),
        Dot,
        new ImageGrid(Dot),
        new Slider("patch size", [("1", Dot)]),
        new TensorSummary("x", "float32", [2], "cpu", 8, 0, 1, 2, 0),
        new ProgressView("run", 1, 2),
    ];

    public static TheoryData<Type> Types =>
        [
            .. typeof(IRendered)
                .Assembly.GetTypes()
                .Where(t => t.IsDefined(typeof(TypeFormatterSourceAttribute), inherit: false)),
        ];

    public static TheoryData<string> Shown => [.. Values.Select(v => v.GetType().Name)];

    [Theory, MemberData(nameof(Types))]
    public void A_type_prefers_the_same(Type type) => AssertSamePreference(type);

    [Theory, MemberData(nameof(Shown))]
    public void A_value_looks_the_same(string type) => AssertSame(Values.Single(v => v.GetType().Name == type));

    [Fact]
    public async Task A_session_finds_the_native_library_beside_the_dll()
    {
        string? named = Environment.GetEnvironmentVariable("PATCHKIT_NATIVE");
        string? dll = Folders(named)
            .Select(f => Path.Combine(f, "PatchKit.dll"))
            .FirstOrDefault(f =>
                File.Exists(f) && File.Exists(Path.Combine(Path.GetDirectoryName(f)!, "libpatchkit.so"))
            );
        Assert.SkipWhen(
            dll is null,
            "No folder holds PatchKit.dll and libpatchkit.so side by side; run environment/setup.sh."
        );
        Environment.SetEnvironmentVariable("PATCHKIT_NATIVE", null);
        try
        {
            using var session = new CSharpSession();
            var result = await session.ExecuteAsync(
                $"#r \"{dll}\"\nusing TorchSharp;\ntorch.ones(2).sum().item<float>()",
                new OutputRecorder([]),
                TestContext.Current.CancellationToken
            );
            Assert.True(result.Status == CellStatus.Ok, result.Error?.Message);
            Assert.Equal("2", result.Value!["text/plain"]);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATCHKIT_NATIVE", named);
        }
    }

    private static IEnumerable<string> Folders(string? native)
    {
        if (native is not null)
            yield return Path.GetDirectoryName(native)!;
        for (var up = new DirectoryInfo(AppContext.BaseDirectory); up is not null; up = up.Parent)
            yield return Path.Combine(up.FullName, "bin");
    }
}
