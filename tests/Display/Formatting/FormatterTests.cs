using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using PatchKit.Display.Pictures;
using PatchKit.Display.Progress;
using Xunit;

namespace PatchKit.Tests.Display.Formatting;

/// <summary>.NET Interactive's convention, followed as a kernel does: by names and reflection alone.</summary>
public sealed class FormatterTests
{
    public static TheoryData<string> Types => [.. Values().Keys];

    [Theory, MemberData(nameof(Types))]
    public void AKernelThatKnowsNothingOfPatchKitCanShowIt(string name)
    {
        object value = Values()[name];
        var attribute = value
            .GetType()
            .GetCustomAttributes(true)
            .Single(one => one.GetType().Name == "TypeFormatterSourceAttribute");
        var type = (Type)attribute.GetType().GetProperty("FormatterSourceType")!.GetValue(attribute)!;
        var preferred = (string[])attribute.GetType().GetProperty("PreferredMimeTypes")!.GetValue(attribute)!;
        object source = Activator.CreateInstance(type)!;
        var formatters = ((System.Collections.IEnumerable)type.GetMethod("CreateTypeFormatters")!.Invoke(source, [])!)
            .Cast<object>()
            .ToArray();

        Assert.Equal(
            preferred,
            formatters.Select(formatter => (string)formatter.GetType().GetProperty("MimeType")!.GetValue(formatter)!)
        );
        Assert.Equal("text/plain", preferred[^1]);
        foreach (object formatter in formatters)
        {
            var format = formatter.GetType().GetMethod("Format")!;
            var writer = new StringWriter();
            Assert.True((bool)format.Invoke(formatter, [value, writer])!);
            Assert.NotEmpty(writer.ToString());
            Assert.False((bool)format.Invoke(formatter, ["something else", writer])!);
        }
        Assert.Throws<ArgumentException>(() => ((IRendered)value).Render("application/x-unknown"));
    }

    [Fact]
    public void AFigureIsStoredOnceAsDataOnceAsAnImageAndAsWords() =>
        Assert.Equal(
            ["application/vnd.plotly.v1+json", "text/html", "text/plain"],
            typeof(Figure).GetCustomAttributes(false).OfType<TypeFormatterSourceAttribute>().Single().PreferredMimeTypes
        );

    [Fact]
    public void EveryTypeThatCanBeShownSaysSo() =>
        Assert.All(
            typeof(IRendered)
                .Assembly.GetTypes()
                .Where(type =>
                    type.IsAssignableTo(typeof(IRendered)) && type is { IsInterface: false, IsAbstract: false }
                ),
            type => Assert.NotEmpty(type.GetCustomAttributes(typeof(TypeFormatterSourceAttribute), false))
        );

    private static Dictionary<string, object> Values() =>
        new()
        {
            ["figure"] = Samples.Comparison,
            ["panel"] = Samples.Comparison.Panels[0],
            ["table"] = Samples.Losses1,
            ["picture"] = Picture.Of(2, 1, [1, 2, 3, 4, 5, 6]),
            ["grid"] = new ImageGrid(Picture.Of(1, 1, [1, 2, 3])),
            ["slider"] = new Slider("patch size", [("1", Picture.Of(1, 1, [1, 2, 3]))]),
            ["summary"] = new TensorSummary("x", "float32", [2], "cpu", 8, 0, 1, 2, 0),
            ["progress"] = new ProgressView("run", 1, 2),
            ["loader"] = Loader.FromUrl("https://example.org/plotly.min.js"),
        };
}
