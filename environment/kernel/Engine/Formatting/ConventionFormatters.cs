using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;

namespace CsNotebook.Engine.Formatting;

/// <summary>
/// Formatters found by .NET Interactive's convention, which needs no package: an attribute named
/// <c>TypeFormatterSourceAttribute</c> on a type, a base or an interface names, by <c>Type FormatterSourceType</c>, a
/// source with a public parameterless constructor and <c>CreateTypeFormatters()</c>; each item of that has
/// <c>string MimeType</c> and <c>bool Format(object, TextWriter)</c>. <c>string[] PreferredMimeTypes</c> selects and orders.
/// </summary>
internal static class ConventionFormatters
{
    private const string AttributeName = "TypeFormatterSourceAttribute";

    private static readonly ConcurrentDictionary<Type, IReadOnlyList<Source>> Sources = new();

    /// <summary>Adds what the formatters of the nearest type that has some make of the value.</summary>
    public static void Format(object value, IReadOnlyList<string> mimeTypes, MimeBundle bundle)
    {
        foreach (var source in Sources.GetOrAdd(value.GetType(), Find))
        {
            int before = bundle.Count;
            var wanted = mimeTypes.Count > 0 ? mimeTypes
                : source.Preferred.Count > 0 ? source.Preferred
                : source.Formatters.Select(f => f.MimeType).ToList();
            foreach (string mimeType in wanted)
            {
                if (bundle[mimeType] is null && source.Formatters.FirstOrDefault(f => f.MimeType == mimeType) is { } formatter
                    && formatter.Format(value) is { } text)
                    bundle.Add(mimeType, text);
            }
            if (bundle.Count > before)
                return;
        }
    }

    /// <summary>A type, its bases nearest first, and its interfaces.</summary>
    public static IEnumerable<Type> Lineage(Type type)
    {
        for (Type? t = type; t is not null; t = t.BaseType)
            yield return t;
        foreach (var implemented in type.GetInterfaces())
            yield return implemented;
    }

    /// <summary>Whether a type, a base or an interface has formatters.</summary>
    public static bool Has(Type type) => Attributes(type).Any();

    private static IReadOnlyList<Source> Find(Type type) => [.. Attributes(type).Select(Create)];

    private static IEnumerable<object> Attributes(Type type) =>
        Lineage(type).SelectMany(t => t.GetCustomAttributes(inherit: false)).Where(a => a.GetType().Name == AttributeName);

    private static Source Create(object attribute)
    {
        var sourceType = Property<Type>(attribute, "FormatterSourceType")
            ?? throw new InvalidOperationException($"{attribute.GetType()} names no formatter source: it needs a property Type FormatterSourceType.");
        object source = Activator.CreateInstance(sourceType)!;
        var create = sourceType.GetMethod("CreateTypeFormatters", Type.EmptyTypes)
            ?? throw new InvalidOperationException($"{sourceType} cannot be a formatter source: it needs a public method CreateTypeFormatters().");
        var formatters = ((IEnumerable)create.Invoke(source, null)!).Cast<object>().Select(f => new Formatter(f)).ToList();
        return new(formatters, Property<string[]>(attribute, "PreferredMimeTypes") ?? []);
    }

    private static T? Property<T>(object owner, string name)
        where T : class => owner.GetType().GetProperty(name)?.GetValue(owner) as T;

    private sealed record Source(IReadOnlyList<Formatter> Formatters, IReadOnlyList<string> Preferred);

    private sealed class Formatter
    {
        private readonly object formatter;
        private readonly MethodInfo format;

        public Formatter(object formatter)
        {
            this.formatter = formatter;
            MimeType = Property<string>(formatter, "MimeType")
                ?? throw new InvalidOperationException($"{formatter.GetType()} cannot be a formatter: it needs a property string MimeType.");
            format = formatter.GetType().GetMethod("Format", [typeof(object), typeof(TextWriter)])
                ?? throw new InvalidOperationException(
                    $"{formatter.GetType()} cannot be a formatter: it needs a method bool Format(object, TextWriter).");
        }

        public string MimeType { get; }

        public string? Format(object value)
        {
            using var writer = new StringWriter();
            try
            {
                return format.Invoke(formatter, [value, writer]) is true ? writer.ToString() : null;
            }
            catch (TargetInvocationException e) when (e.InnerException is not null)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException);
                throw;
            }
        }
    }
}
