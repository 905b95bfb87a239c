namespace TorchSharp.Utils;

/// <summary>Gives the component held by a field another name in <c>state_dict</c> than the field's own.</summary>
/// <remarks><c>[ComponentName(Name = "weight")] private Parameter _weight;</c></remarks>
[AttributeUsage(AttributeTargets.Field)]
public sealed class ComponentNameAttribute : Attribute
{
    /// <summary>The name to register; the field's own name where this is left null.</summary>
    public string? Name { get; set; }
}
