using System.Reflection;

namespace PatchKit.Display.Formatting;

/// <summary>
/// The formatters of a type, one for each MIME type that its <see cref="TypeFormatterSourceAttribute"/> lists.
/// </summary>
public sealed class FormatterSource<T>
    where T : IRendered
{
    /// <summary>What .NET Interactive's convention asks for.</summary>
    public IEnumerable<object> CreateTypeFormatters() =>
        typeof(T)
            .GetCustomAttribute<TypeFormatterSourceAttribute>()!
            .PreferredMimeTypes.Select(mimeType => new Formatter(mimeType));

    private sealed class Formatter(string mimeType)
    {
        public string MimeType => mimeType;

        public bool Format(object value, TextWriter writer)
        {
            if (value is not T rendered)
                return false;
            writer.Write(rendered.Render(mimeType));
            return true;
        }
    }
}
