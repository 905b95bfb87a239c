namespace CsNotebook.Engine.Formatting;

/// <summary>The formatters that cells registered, the newest first.</summary>
internal static class Registered
{
    private static readonly object Gate = new();
    private static List<(Type Type, string MimeType, Func<object, TextWriter, bool> Format)> s_formatters = [];

    /// <summary>
    /// Registers a formatter for a type and those derived from it; a type definition stands for all it makes.
    /// </summary>
    public static void Add(Type type, string mimeType, Func<object, TextWriter, bool> format)
    {
        lock (Gate)
            s_formatters =
            [
                (type, mimeType, format),
                .. s_formatters.Where(f => f.Type != type || f.MimeType != mimeType),
            ];
    }

    /// <summary>Forgets all.</summary>
    public static void Clear()
    {
        lock (Gate)
            s_formatters = [];
    }

    /// <summary>Adds what the formatters that apply to a value make of it.</summary>
    public static void Format(object value, IReadOnlyList<string> mimeTypes, MimeBundle bundle)
    {
        foreach (var (type, mimeType, format) in s_formatters)
        {
            if (
                !Applies(type, value.GetType())
                || bundle[mimeType] is not null
                || (mimeTypes.Count > 0 && !mimeTypes.Contains(mimeType))
            )
                continue;
            using var writer = new StringWriter();
            if (format(value, writer))
                bundle.Add(mimeType, writer.ToString());
        }
    }

    private static bool Applies(Type registered, Type actual) =>
        registered.IsAssignableFrom(actual)
        || (
            registered.IsGenericTypeDefinition
            && Lineage(actual).Any(t => t.IsGenericType && t.GetGenericTypeDefinition() == registered)
        );

    private static IEnumerable<Type> Lineage(Type type)
    {
        for (Type? t = type; t is not null; t = t.BaseType)
            yield return t;
        foreach (var implemented in type.GetInterfaces())
            yield return implemented;
    }
}
