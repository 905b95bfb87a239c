using System.Runtime.CompilerServices;

namespace TorchSharp;

/// <summary>One argument of an operator call, made implicitly from the C# value. It holds the tensor, so the tensor outlives the call.</summary>
internal readonly struct Arg
{
    internal readonly object? Reference;
    internal readonly long Bits;
    internal readonly NativeKind Kind;
    internal readonly int Index;

    private Arg(NativeKind kind, object? reference = null, long bits = 0, int index = 0) => (Kind, Reference, Bits, Index) = (kind, reference, bits, index);

    /// <summary>No value: the schema's None.</summary>
    internal static Arg None => default;

    public static implicit operator Arg(torch.Tensor? value) => value is null ? default : new(NativeKind.Tensor, value);
    public static implicit operator Arg(long value) => new(NativeKind.Int, null, value);
    public static implicit operator Arg(long? value) => value is { } v ? new(NativeKind.Int, null, v) : default;
    public static implicit operator Arg(int value) => new(NativeKind.Int, null, value);
    public static implicit operator Arg(double value) => new(NativeKind.Double, null, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Arg(double? value) => value is { } v ? (Arg)v : default;
    public static implicit operator Arg(bool value) => new(NativeKind.Bool, null, value ? 1 : 0);
    public static implicit operator Arg(Scalar value) => new(value.Kind, null, value.Bits);
    public static implicit operator Arg(Scalar? value) => value is { } v ? (Arg)v : default;
    public static implicit operator Arg(torch.ScalarType value) => new(NativeKind.Int, null, (long)torch.Known(value));
    public static implicit operator Arg(torch.ScalarType? value) => value is { } v ? (Arg)v : default;
    public static implicit operator Arg(torch.Device? value) => value is null ? default : new(NativeKind.Device, null, (long)value.type, value.index);
    public static implicit operator Arg(torch.Generator? value) => value is null ? default : new(NativeKind.Generator, value);
    public static implicit operator Arg(long[]? value) => value is null ? default : new(NativeKind.Ints, value);
    public static implicit operator Arg(ReadOnlySpan<long> value) => new(NativeKind.Ints, value.ToArray());
    public static implicit operator Arg(double[]? value) => value is null ? default : new(NativeKind.Doubles, value);
    public static implicit operator Arg(torch.Tensor?[]? value) => value is null ? default : new(NativeKind.Tensors, value);
    public static implicit operator Arg(string? value) => value is null ? default : new(NativeKind.Text, value);

    /// <summary>How many 8-byte words of scratch the native form needs beside its own 16 bytes.</summary>
    internal int ScratchWords => Kind switch
    {
        NativeKind.Ints => Unsafe.As<long[]>(Reference!).Length,
        NativeKind.Doubles => Unsafe.As<double[]>(Reference!).Length,
        NativeKind.Tensors => Unsafe.As<torch.Tensor?[]>(Reference!).Length,
        NativeKind.Text => Unsafe.As<string>(Reference!).Length / sizeof(long) + 1,
        _ => 0,
    };

    /// <summary>Writes the native form. Lists go to <paramref name="scratch"/>, which advances; false where it would pass <paramref name="end"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal unsafe bool Write(NativeArg* native, ref long* scratch, long* end)
    {
        native->Kind = Kind;
        native->Count = Index;
        if (Kind == NativeKind.Tensor) native->Handle = Unsafe.As<torch.Tensor>(Reference!).Handle;
        else if (Reference is null) native->Int = Bits;
        else return WriteReference(native, ref scratch, end);
        return true;
    }

    private unsafe bool WriteReference(NativeArg* native, ref long* scratch, long* end)
    {
        int words = ScratchWords;
        if (end - scratch < words) return false;
        native->List = scratch;
        native->Count = words;
        switch (Kind)
        {
            case NativeKind.Generator: native->Handle = Unsafe.As<torch.Generator>(Reference!).Handle; break;
            case NativeKind.Ints: Unsafe.As<long[]>(Reference!).CopyTo(new Span<long>(scratch, words)); break;
            case NativeKind.Doubles: Unsafe.As<double[]>(Reference!).CopyTo(new Span<double>(scratch, words)); break;
            case NativeKind.Tensors: WriteHandles(Unsafe.As<torch.Tensor?[]>(Reference!), scratch); break;
            // ASCII by construction: reduction names, rounding modes, equations.
            case NativeKind.Text: native->Count = System.Text.Encoding.ASCII.GetBytes(Unsafe.As<string>(Reference!), new Span<byte>(scratch, words * sizeof(long))); break;
        }
        scratch += words;
        return true;
    }

    private static unsafe void WriteHandles(torch.Tensor?[] tensors, long* scratch)
    {
        for (int i = 0; i < tensors.Length; i++) scratch[i] = tensors[i] is { } tensor ? tensor.Handle : 0;
    }
}
