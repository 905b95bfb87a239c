namespace PatchKit.Display.Formatting;

/// <summary>
/// A value that can be shown as several MIME types; its type lists them in a
/// <see cref="TypeFormatterSourceAttribute"/>.
/// </summary>
public interface IRendered
{
    /// <summary>The value as one of those types; binary types in base64, as notebooks hold them.</summary>
    /// <exception cref="ArgumentException">The type is not in the list.</exception>
    string Render(string mimeType);
}
