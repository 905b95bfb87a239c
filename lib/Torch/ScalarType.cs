namespace TorchSharp;

/// <summary>libtorch's functions and types, named as in Python and TorchSharp.</summary>
public static partial class torch
{
    /// <summary>The element types of tensors. The values are libtorch's own.</summary>
    public enum ScalarType : sbyte
    {
        /// <summary>Unsigned 8-bit integer.</summary>
        Byte = 0,
        /// <summary>Signed 8-bit integer.</summary>
        Int8 = 1,
        /// <summary>Signed 16-bit integer.</summary>
        Int16 = 2,
        /// <summary>Signed 32-bit integer.</summary>
        Int32 = 3,
        /// <summary>Signed 64-bit integer.</summary>
        Int64 = 4,
        /// <summary>IEEE half precision.</summary>
        Float16 = 5,
        /// <summary>IEEE single precision.</summary>
        Float32 = 6,
        /// <summary>IEEE double precision.</summary>
        Float64 = 7,
        /// <summary>Boolean.</summary>
        Bool = 11,
        /// <summary>bfloat16: float32's exponent, 8 bits of significand.</summary>
        BFloat16 = 15,
    }

    /// <summary>Unsigned 8-bit integer.</summary>
    public const ScalarType uint8 = ScalarType.Byte;
    /// <summary>Signed 8-bit integer.</summary>
    public const ScalarType int8 = ScalarType.Int8;
    /// <summary>Signed 32-bit integer.</summary>
    public const ScalarType int32 = ScalarType.Int32;
    /// <summary>Signed 64-bit integer.</summary>
    public const ScalarType int64 = ScalarType.Int64;
    /// <summary>IEEE half precision.</summary>
    public const ScalarType float16 = ScalarType.Float16;
    /// <summary>IEEE single precision.</summary>
    public const ScalarType float32 = ScalarType.Float32;
    /// <summary>IEEE double precision.</summary>
    public const ScalarType float64 = ScalarType.Float64;
    /// <summary>bfloat16.</summary>
    public const ScalarType bfloat16 = ScalarType.BFloat16;
    /// <summary>Boolean.</summary>
    public const ScalarType @bool = ScalarType.Bool;

    /// <summary>The dtype that holds a C# type.</summary>
    /// <exception cref="NotSupportedException">No tensor holds the type.</exception>
    internal static ScalarType ToScalarType(Type type) =>
        type == typeof(float) ? ScalarType.Float32
        : type == typeof(double) ? ScalarType.Float64
        : type == typeof(long) ? ScalarType.Int64
        : type == typeof(int) ? ScalarType.Int32
        : type == typeof(byte) ? ScalarType.Byte
        : type == typeof(sbyte) ? ScalarType.Int8
        : type == typeof(short) ? ScalarType.Int16
        : type == typeof(bool) ? ScalarType.Bool
        : type == typeof(Half) ? ScalarType.Float16
        : throw new NotSupportedException($"No tensor holds {type.Name}; use float, double, long, int, short, sbyte, byte, bool or Half.");

    /// <summary>The dtype itself; libtorch reads past its tables where a number is none.</summary>
    internal static ScalarType Known(ScalarType type) => type is >= ScalarType.Byte and <= ScalarType.Float64 or ScalarType.Bool or ScalarType.BFloat16 ? type
        : throw new ArgumentException($"{(int)type} is no dtype; use one of torch.ScalarType.");

    /// <summary>Whether the dtype is one of the floating-point ones, which can require gradients.</summary>
    public static bool is_floating_point(ScalarType type) => type is ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16;
}
