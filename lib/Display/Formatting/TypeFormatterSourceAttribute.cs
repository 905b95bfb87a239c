namespace PatchKit.Display.Formatting;

/// <summary>
/// Says how a notebook shows a type. .NET Interactive and the kernels that follow it find this attribute by its name
/// and read it by reflection, so that neither needs a reference to the other.
/// </summary>
/// <param name="formatterSourceType"> a type with a public parameterless constructor and a method
/// <c>CreateTypeFormatters()</c>; each formatter has <c>string MimeType</c> and <c>bool Format(object, TextWriter)</c>.
/// </param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct)]
public sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
{
    /// <summary>What creates the formatters.</summary>
    public Type FormatterSourceType { get; } = formatterSourceType;

    /// <summary>
    /// The MIME types that an output holds side by side, for the front end to choose from; the best first.
    /// </summary>
    public string[] PreferredMimeTypes { get; set; } = [];
}
