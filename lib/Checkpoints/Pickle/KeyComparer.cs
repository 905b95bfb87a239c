namespace PatchKit.Checkpoints.Pickle;

/// <summary>
/// Equality of dictionary keys with a hash that a file cannot know in advance: chosen numbers would otherwise make
/// every look-up a search.
/// </summary>
internal sealed class KeyComparer : IEqualityComparer<object>
{
    internal static readonly KeyComparer Instance = new();

    public new bool Equals(object? x, object? y) => object.Equals(x, y);

    public int GetHashCode(object key) =>
        key switch
        {
            string text => text.GetHashCode(StringComparison.Ordinal),
            long whole => HashCode.Combine((int)whole, (int)(whole >> 32)),
            double number => GetHashCode(BitConverter.DoubleToInt64Bits(number == 0 ? 0 : number)),
            _ => key.GetHashCode(),
        };
}
