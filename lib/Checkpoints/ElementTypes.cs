using static TorchSharp.torch;

namespace PatchKit.Checkpoints;

/// <summary>The dtypes that checkpoints hold, by the names that safetensors and PyTorch give them.</summary>
internal static class ElementTypes
{
    private static readonly (ScalarType Type, int Size, string Safetensors, string Torch, string Storage)[] All =
    [
        (ScalarType.Float64, 8, "F64", "float64", "DoubleStorage"),
        (ScalarType.Float32, 4, "F32", "float32", "FloatStorage"),
        (ScalarType.Float16, 2, "F16", "float16", "HalfStorage"),
        (ScalarType.BFloat16, 2, "BF16", "bfloat16", "BFloat16Storage"),
        (ScalarType.Int64, 8, "I64", "int64", "LongStorage"),
        (ScalarType.Int32, 4, "I32", "int32", "IntStorage"),
        (ScalarType.Int16, 2, "I16", "int16", "ShortStorage"),
        (ScalarType.Int8, 1, "I8", "int8", "CharStorage"),
        (ScalarType.Byte, 1, "U8", "uint8", "ByteStorage"),
        (ScalarType.Bool, 1, "BOOL", "bool", "BoolStorage"),
    ];

    internal static IEnumerable<(ScalarType Type, string Torch, string Storage)> Names =>
        All.Select(entry => (entry.Type, entry.Torch, entry.Storage));

    internal static string SafetensorsNames => string.Join(", ", All.Select(entry => entry.Safetensors));

    /// <summary>Bytes per element; 0 where no checkpoint holds the dtype.</summary>
    internal static int Size(ScalarType type) => All.FirstOrDefault(entry => entry.Type == type).Size;

    /// <summary>PyTorch's name, such as "float32".</summary>
    internal static string TorchName(ScalarType type) => All.First(entry => entry.Type == type).Torch;

    /// <summary>safetensors' name, such as "F32"; null where it has none.</summary>
    internal static string? SafetensorsName(ScalarType type) =>
        All.FirstOrDefault(entry => entry.Type == type).Safetensors;

    /// <summary>The dtype of a safetensors name; null where PatchKit has none.</summary>
    internal static ScalarType? FromSafetensors(string name)
    {
        foreach (var entry in All)
            if (entry.Safetensors == name)
                return entry.Type;
        return null;
    }
}
