using CsNotebook.Engine;
using CsNotebook.Engine.Formatting;

namespace Microsoft.DotNet.Interactive;

/// <summary>Something that is on show and can be replaced.</summary>
public sealed class DisplayedValue
{
    private readonly string[] _mimeTypes;

    internal DisplayedValue(string id, string[] mimeTypes) => (DisplayId, _mimeTypes) = (id, mimeTypes);

    /// <summary>The name under which front ends know it.</summary>
    public string DisplayId { get; }

    /// <summary>Shows another value in its place.</summary>
    public void Update(object? value) =>
        CellOutput.Current?.Display(Formatters.Format(value, _mimeTypes), DisplayId, update: true);
}
