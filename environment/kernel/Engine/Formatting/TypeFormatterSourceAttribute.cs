namespace CsNotebook.Engine.Formatting;

/// <summary>The kernel's own use of the convention: see <see cref="ConventionFormatters"/>.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
{
    public Type FormatterSourceType => formatterSourceType;
}
