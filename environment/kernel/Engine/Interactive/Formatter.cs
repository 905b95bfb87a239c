using CsNotebook.Engine.Formatting;

namespace Microsoft.DotNet.Interactive.Formatting;

/// <summary>Registers how values of a type are shown, in .NET Interactive's manner.</summary>
public static class Formatter
{
    /// <summary>Shows values of <typeparamref name="T"/> as the text that <paramref name="formatter"/> makes.</summary>
    public static void Register<T>(Func<T, string> formatter, string mimeType = "text/plain") =>
        Registered.Add(
            typeof(T),
            mimeType,
            (value, writer) =>
            {
                writer.Write(formatter((T)value));
                return true;
            }
        );

    /// <summary>Shows values of <typeparamref name="T"/> as what <paramref name="formatter"/> writes.</summary>
    public static void Register<T>(Action<T, TextWriter> formatter, string mimeType = "text/plain") =>
        Register(typeof(T), (value, writer) => formatter((T)value, writer), mimeType);

    /// <summary>
    /// Shows values of a type as what <paramref name="formatter"/> writes; <c>List&lt;&gt;</c> stands for every list.
    /// </summary>
    public static void Register(Type type, Action<object, TextWriter> formatter, string mimeType = "text/plain") =>
        Registered.Add(
            type,
            mimeType,
            (value, writer) =>
            {
                formatter(value, writer);
                return true;
            }
        );

    /// <summary>Forgets what was registered.</summary>
    public static void ResetToDefault() => Registered.Clear();
}
