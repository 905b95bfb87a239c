using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;

namespace CsNotebook.Engine.Formatting;

/// <summary>
/// Formatters found by .NET Interactive's convention, which needs no package: an attribute named
/// <c>TypeFormatterSourceAttribute</c> on a class or its base names, by <c>Type FormatterSourceType</c>, a source with
/// a public parameterless constructor and <c>CreateTypeFormatters()</c>; each item of that has <c>string MimeType</c>
/// and <c>bool Format(object, TextWriter)</c>, of two for one MIME type the later is asked first.
/// <c>string[] PreferredMimeTypes</c> selects and orders; without it a value is shown as HTML. An attribute of that
/// name without that property (Plotly.NET has one) says nothing. tests/Formatting holds this against .NET Interactive
/// itself.
/// </summary>
internal static class ConventionFormatters
{
    private const string AttributeName = "TypeFormatterSourceAttribute";

    private static readonly ConcurrentDictionary<Type, Source> Sources = new();

    /// <summary>Adds what the formatters of the value's type make of it.</summary>
    public static void Format(object value, IReadOnlyList<string> mimeTypes, MimeBundle bundle)
    {
        var source = Sources.GetOrAdd(value.GetType(), Find);
        foreach (string mimeType in mimeTypes.Count > 0 ? mimeTypes : source.Preferred)
        {
            if (bundle[mimeType] is null && source.Format(value, mimeType) is { } text)
                bundle.Add(mimeType, text);
        }
    }

    /// <summary>The MIME types in which values of a type that has formatters are shown.</summary>
    public static IReadOnlyList<string> Preferred(Type type) => Sources.GetOrAdd(type, Find).Preferred;

    /// <summary>Whether a type has formatters.</summary>
    public static bool Has(Type type) => Attributes(type).Any();

    private static IEnumerable<object> Attributes(Type type) =>
        type.GetCustomAttributes(inherit: true)
            .Where(a => a.GetType().Name == AttributeName && SourceType(a) is not null);

    private static Type? SourceType(object attribute) => Property<Type>(attribute, "FormatterSourceType");

    private static Source Find(Type type)
    {
        var attributes = Attributes(type).ToList();
        string[]? preferred = attributes
            .Select(a => Property<string[]>(a, "PreferredMimeTypes"))
            .LastOrDefault(p => p is not null);
        return new([.. attributes.SelectMany(Create).Reverse()], preferred ?? ["text/html"]);
    }

    private static IEnumerable<Formatter> Create(object attribute)
    {
        var sourceType = SourceType(attribute)!;
        object source = Activator.CreateInstance(sourceType)!;
        var create =
            sourceType.GetMethod("CreateTypeFormatters", Type.EmptyTypes)
            ?? throw new InvalidOperationException(
                $"{sourceType} cannot be a formatter source: it needs a public method CreateTypeFormatters()."
            );
        return ((IEnumerable)create.Invoke(source, null)!).Cast<object>().Select(f => new Formatter(f));
    }

    private static T? Property<T>(object owner, string name)
        where T : class => owner.GetType().GetProperty(name)?.GetValue(owner) as T;

    private sealed record Source(IReadOnlyList<Formatter> Formatters, IReadOnlyList<string> Preferred)
    {
        public string? Format(object value, string mimeType) =>
            Formatters
                .Where(f => f.MimeType == mimeType)
                .Select(f => f.Format(value))
                .FirstOrDefault(text => text is not null);
    }

    private sealed class Formatter
    {
        private readonly object _formatter;
        private readonly MethodInfo _format;

        public Formatter(object formatter)
        {
            _formatter = formatter;
            MimeType =
                Property<string>(formatter, "MimeType")
                ?? throw new InvalidOperationException(
                    $"{formatter.GetType()} cannot be a formatter: it needs a property string MimeType."
                );
            _format =
                formatter.GetType().GetMethod("Format", [typeof(object), typeof(TextWriter)])
                ?? throw new InvalidOperationException(
                    $"{formatter.GetType()} cannot be a formatter: it needs a method bool Format(object, TextWriter)."
                );
        }

        public string MimeType { get; }

        public string? Format(object value)
        {
            using var writer = new StringWriter();
            try
            {
                return _format.Invoke(_formatter, [value, writer]) is true ? writer.ToString() : null;
            }
            catch (TargetInvocationException e) when (e.InnerException is not null)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException);
                throw;
            }
        }
    }
}
