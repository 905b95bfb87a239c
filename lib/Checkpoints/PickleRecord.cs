namespace PatchKit.Checkpoints;

/// <summary>
/// The fields of a Python object, such as the argparse.Namespace of a training run, or a NumPy array (dtype, shape,
/// fortran_order, data). It is a dictionary and nothing more: none of the object's code is known here.
/// </summary>
public sealed class PickleRecord
{
    private readonly OrderedDictionary<string, object?> _fields = [];

    internal PickleRecord(string typeName) => TypeName = typeName;

    /// <summary>The Python class, such as "argparse.Namespace".</summary>
    public string TypeName { get; }

    /// <summary>The fields in the order in which they were saved.</summary>
    public IReadOnlyDictionary<string, object?> Fields => _fields;

    /// <summary>A field's value.</summary>
    /// <exception cref="KeyNotFoundException">The record has no such field.</exception>
    public object? this[string field] =>
        _fields.TryGetValue(field, out var value)
            ? value
            : throw new KeyNotFoundException(
                $"This {TypeName} has no field \"{field}\"; it has {string.Join(", ", _fields.Keys.Take(12))}."
            );

    internal OrderedDictionary<string, object?> Writable => _fields;

    /// <summary>"argparse.Namespace with 31 fields".</summary>
    public override string ToString() => $"{TypeName} with {_fields.Count} fields";
}
