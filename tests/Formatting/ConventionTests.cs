using Xunit;

namespace Formatting.Tests;

/// <summary>What the convention says, where one might guess otherwise.</summary>
public sealed class ConventionTests : FormatTest
{
    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Interface)]
    private sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
    {
        public Type FormatterSourceType => formatterSourceType;

        public string[]? PreferredMimeTypes { get; set; }
    }

    [Fact]
    public void Preferred_types_come_in_their_order() => AssertSame(new Preferred());

    [Fact]
    public void A_derived_class_is_shown_as_its_base() => AssertSame(new Derived());

    [Fact]
    public void A_derived_class_may_prefer_others() => AssertSame(new Choosy());

    [Fact]
    public void Without_a_preference_it_is_html() => AssertSame(new Undecided());

    [Fact]
    public void A_struct_is_shown_too() => AssertSame(new Value());

    [Fact]
    public void Of_two_formatters_the_later_is_asked_first_and_a_refusal_passes_on() => AssertSame(new Rivals());

    [Fact]
    public void A_type_that_is_not_preferred_is_there_on_demand() => AssertSame(new Undecided(), "image/svg+xml");

    [Fact]
    public void An_interface_says_nothing() => AssertNotShown(new Implementing(), "<b>html</b>");

    [Fact]
    public void An_attribute_that_names_its_source_otherwise_says_nothing() =>
        AssertNotShown(new Renamed(), "<b>html</b>");

    [TypeFormatterSource(typeof(Source), PreferredMimeTypes = ["image/svg+xml", "text/html"])]
    private class Preferred;

    private sealed class Derived : Preferred;

    [TypeFormatterSource(typeof(Source), PreferredMimeTypes = ["text/plain"])]
    private sealed class Choosy : Preferred;

    [TypeFormatterSource(typeof(Source))]
    private sealed class Undecided;

    [TypeFormatterSource(typeof(Source), PreferredMimeTypes = ["image/svg+xml"])]
    private readonly struct Value;

    [TypeFormatterSource(typeof(RivalSource), PreferredMimeTypes = ["text/html", "text/plain"])]
    private sealed class Rivals;

    [TypeFormatterSource(typeof(Source))]
    private interface IShown;

    private sealed class Implementing : IShown;

    /// <summary>As Plotly.NET 6 has it: of the convention's name, with a property of another.</summary>
    private static class Other
    {
        [AttributeUsage(AttributeTargets.Class)]
        internal sealed class TypeFormatterSourceAttribute(Type source) : Attribute
        {
            internal Type TypeFormatterSourceType => source;
        }
    }

    [Other.TypeFormatterSource(typeof(Source))]
    private sealed class Renamed;

    private sealed class Source
    {
        public IEnumerable<object> CreateTypeFormatters() =>
            [new Text("text/html", "<b>html</b>"), new Text("text/plain", "text"), new Text("image/svg+xml", "<svg/>")];
    }

    private sealed class RivalSource
    {
        public IEnumerable<object> CreateTypeFormatters() =>
            [
                new Text("text/html", "first"),
                new Text("text/html", "second"),
                new Text("text/plain", "text"),
                new Text("text/plain", null),
            ];
    }

    private sealed class Text(string mimeType, string? text)
    {
        public string MimeType => mimeType;

        public bool Format(object value, TextWriter writer)
        {
            writer.Write(text);
            return text is not null;
        }
    }
}
