namespace TorchSharp;

/// <summary>A number that an operator takes or gives: an integer, a real number or a boolean.</summary>
public readonly struct Scalar
{
    internal readonly NativeKind Kind;
    internal readonly long Bits;

    internal Scalar(NativeKind kind, long bits) => (Kind, Bits) = (kind, bits);

    /// <summary>An integer.</summary>
    public static implicit operator Scalar(long value) => new(NativeKind.Int, value);

    /// <summary>An integer.</summary>
    public static implicit operator Scalar(int value) => new(NativeKind.Int, value);

    /// <summary>A real number.</summary>
    public static implicit operator Scalar(double value) => new(NativeKind.Double, BitConverter.DoubleToInt64Bits(value));

    /// <summary>A real number.</summary>
    public static implicit operator Scalar(float value) => (double)value;

    /// <summary>A boolean.</summary>
    public static implicit operator Scalar(bool value) => new(NativeKind.Bool, value ? 1 : 0);

    /// <summary>The dtype a tensor made of this number has: Int64, Float64 or Bool.</summary>
    public torch.ScalarType Type => Kind switch
    {
        NativeKind.Int => torch.ScalarType.Int64,
        NativeKind.Bool => torch.ScalarType.Bool,
        _ => torch.ScalarType.Float64,
    };

    internal double Real => Kind == NativeKind.Double ? BitConverter.Int64BitsToDouble(Bits) : Bits;
    internal long Integer => Kind == NativeKind.Double ? checked((long)BitConverter.Int64BitsToDouble(Bits)) : Bits;

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        NativeKind.Int => Bits.ToString(),
        NativeKind.Bool => Bits != 0 ? "True" : "False",
        _ => Real.ToString("R"),
    };
}
