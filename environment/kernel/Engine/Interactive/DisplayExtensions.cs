using CsNotebook.Engine;
using CsNotebook.Engine.Formatting;

namespace Microsoft.DotNet.Interactive;

/// <summary><c>value.Display()</c> and <c>text.DisplayAs(mimeType)</c>.</summary>
public static class DisplayExtensions
{
    /// <summary>Shows a value at once.</summary>
    /// <param name="value">any value.</param>
    /// <param name="mimeTypes">the wanted representations; none means the value's own choice.</param>
    public static DisplayedValue Display(this object? value, params string[] mimeTypes) =>
        Kernel.display(value, mimeTypes);

    /// <summary>Shows text as what a MIME type says it is.</summary>
    public static DisplayedValue DisplayAs(this string value, string mimeType)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(mimeType);
        string id = Guid.NewGuid().ToString("N");
        CellOutput.Current?.Display(new MimeBundle(mimeType, value), id, update: false);
        return new DisplayedValue(id, [mimeType]);
    }

    /// <summary>A value in one representation, as text.</summary>
    public static string ToDisplayString(this object? value, string mimeType = "text/plain") =>
        PageScripts.Whole(Formatters.Format(value, mimeType))[mimeType]
        ?? throw new ArgumentException(
            $"{value?.GetType().Name ?? "null"} has no representation as {mimeType}; there is always text/plain.",
            nameof(mimeType)
        );
}
