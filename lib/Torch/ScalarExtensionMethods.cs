namespace TorchSharp;

/// <summary>Conversions between C# numbers, scalars and one-element tensors.</summary>
public static class ScalarExtensionMethods
{
    /// <summary>The scalar of a real number.</summary>
    public static Scalar ToScalar(this double value) => value;

    /// <summary>The scalar of an integer.</summary>
    public static Scalar ToScalar(this long value) => value;

    /// <summary>The scalar as a float.</summary>
    public static float ToSingle(this Scalar value) => (float)value.Real;

    /// <summary>The scalar as a double.</summary>
    public static double ToDouble(this Scalar value) => value.Real;

    /// <summary>The scalar as a 64-bit integer, truncated towards zero.</summary>
    public static long ToInt64(this Scalar value) => value.Integer;

    /// <summary>The scalar as a boolean: false for zero.</summary>
    public static bool ToBoolean(this Scalar value) => value.Real != 0;

    /// <summary>The value of a one-element tensor as a float.</summary>
    public static float ToSingle(this torch.Tensor value) => value.ToScalar().ToSingle();

    /// <summary>The value of a one-element tensor as a double.</summary>
    public static double ToDouble(this torch.Tensor value) => value.ToScalar().ToDouble();

    /// <summary>The value of a one-element tensor as a 64-bit integer.</summary>
    public static long ToInt64(this torch.Tensor value) => value.ToScalar().ToInt64();

    /// <summary>The value of a one-element tensor as a 32-bit integer.</summary>
    public static int ToInt32(this torch.Tensor value) => checked((int)value.ToScalar().ToInt64());

    /// <summary>The value of a one-element tensor as a boolean.</summary>
    public static bool ToBoolean(this torch.Tensor value) => value.ToScalar().ToBoolean();
}
