namespace PatchKit.ScalingLaws;

/// <summary>Whether numbers go one way at every step.</summary>
public static class Order
{
    /// <summary>Whether each is above the one before.</summary>
    public static bool IsRising(this IEnumerable<double> values) =>
        values.Zip(values.Skip(1)).All(pair => pair.Second > pair.First);

    /// <summary>Whether each is below the one before.</summary>
    public static bool IsFalling(this IEnumerable<double> values) =>
        values.Zip(values.Skip(1)).All(pair => pair.Second < pair.First);
}
