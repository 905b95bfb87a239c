namespace PatchKit.Training;

/// <summary>
/// An enumeration's member by its name alone: .NET's own parser also takes numbers, and members joined by commas.
/// </summary>
internal static class NamedValue
{
    internal static bool TryParse(Type kind, string text, out object member)
    {
        string? name = Enum.GetNames(kind)
            .FirstOrDefault(own => own.Equals(text.Trim(), StringComparison.OrdinalIgnoreCase));
        member = name is null ? 0 : Enum.Parse(kind, name);
        return name is not null;
    }
}
