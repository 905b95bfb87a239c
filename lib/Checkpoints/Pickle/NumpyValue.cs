using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace PatchKit.Checkpoints.Pickle;

/// <summary>NumPy's scalars as numbers, and its arrays as records of dtype, shape, order and bytes.</summary>
internal static partial class NumpyValue
{
    /// <summary>
    /// numpy.dtype: (code, align, copy), such as ("f8", False, True); its byte order follows by BUILD.
    /// </summary>
    internal static object Type(PickleContext context, object?[] arguments)
    {
        context.ExpectArguments(arguments, 1, 3, "numpy.dtype");
        string code = context.Expect<string>(arguments[0], "a NumPy dtype");
        if (!Codes().IsMatch(code))
            throw context.Wrong(
                $"has the NumPy dtype \"{Words.Safe(code)}\", where PatchKit reads booleans, integers and floats"
            );
        context.Allowance.Charge(64);
        return new NumpyType(code[0], code[1] - '0');
    }

    internal static void SetState(PickleContext context, NumpyType type, object? state)
    {
        var fields = context.Expect<object?[]>(state, "the state of a NumPy dtype");
        if (fields.Length < 2 || fields[1] is not ("<" or ">" or "|" or "="))
            throw context.Wrong("gives a NumPy dtype no byte order");
        type.BigEndian = fields[1] is ">";
    }

    /// <summary>numpy.core.multiarray.scalar: (dtype, bytes).</summary>
    internal static object Scalar(PickleContext context, object?[] arguments)
    {
        context.ExpectArguments(arguments, 2, 2, "a NumPy scalar");
        var type = context.Expect<NumpyType>(arguments[0], "a NumPy scalar's dtype");
        byte[] bytes = [.. Bytes(context, arguments[1])];
        if (bytes.Length != type.Size)
            throw context.Wrong($"gives a NumPy scalar of {type.Size} bytes {bytes.Length} of them");
        if (type.BigEndian)
            System.Array.Reverse(bytes);
        context.Allowance.Charge(56);
        return (type.Kind, type.Size) switch
        {
            ('b', _) => bytes[0] != 0,
            ('f', 2) => (double)MemoryMarshal.Read<Half>(bytes),
            ('f', 4) => (double)MemoryMarshal.Read<float>(bytes),
            ('f', _) => MemoryMarshal.Read<double>(bytes),
            ('i', 1) => (long)(sbyte)bytes[0],
            ('i', 2) => (long)MemoryMarshal.Read<short>(bytes),
            ('i', 4) => (long)MemoryMarshal.Read<int>(bytes),
            ('i', _) => MemoryMarshal.Read<long>(bytes),
            (_, 1) => (long)bytes[0],
            (_, 2) => (long)MemoryMarshal.Read<ushort>(bytes),
            (_, 4) => (long)MemoryMarshal.Read<uint>(bytes),
            _ => MemoryMarshal.Read<ulong>(bytes) is var whole && whole <= long.MaxValue
                ? (long)whole
                : (object)new System.Numerics.BigInteger(whole),
        };
    }

    /// <summary>
    /// numpy.core.multiarray._reconstruct: (numpy.ndarray, (0,), b"b"); the contents follow by BUILD.
    /// </summary>
    internal static object Array(PickleContext context, object?[] arguments)
    {
        context.ExpectArguments(arguments, 3, 3, "a NumPy array");
        if (arguments[0] is not PickleGlobal { Name: "numpy.ndarray" })
            throw context.Wrong($"makes {PickleContext.Kind(arguments[0])} where a NumPy array belongs");
        context.Allowance.Charge(600);
        return new PickleRecord("numpy.ndarray");
    }

    /// <summary>The state of an array: (version, shape, dtype, is_fortran, bytes).</summary>
    internal static void SetState(PickleContext context, PickleRecord array, object? state)
    {
        var fields = context.Expect<object?[]>(state, "the state of a NumPy array");
        if (fields.Length != 5)
            throw context.Wrong($"gives a NumPy array {fields.Length} parts where 5 make one");
        Fill(context, array, fields[2], fields[1], context.Expect<bool>(fields[3], "a NumPy array's order"), fields[4]);
    }

    /// <summary>numpy.core.numeric._frombuffer: (bytes, dtype, shape, order).</summary>
    internal static object FromBuffer(PickleContext context, object?[] arguments)
    {
        context.ExpectArguments(arguments, 4, 4, "a NumPy array");
        context.Allowance.Charge(600);
        var array = new PickleRecord("numpy.ndarray");
        Fill(context, array, arguments[1], arguments[2], arguments[3] is "F", arguments[0]);
        return array;
    }

    private static void Fill(
        PickleContext context,
        PickleRecord array,
        object? dtype,
        object? size,
        bool fortranOrder,
        object? data
    )
    {
        var type = context.Expect<NumpyType>(dtype, "a NumPy array's dtype");
        byte[] bytes = Bytes(context, data);
        long[] shape = context.Longs(size, "a NumPy array's shape");
        Int128 wanted = type.Size;
        foreach (long length in shape)
            wanted = length < 0 || wanted > long.MaxValue ? -1 : wanted * length;
        if (wanted != bytes.Length)
            throw context.Wrong($"has a NumPy array of {type} {Words.Shape(shape.Take(8))} in {bytes.Length} bytes");
        (array.Writable["dtype"], array.Writable["shape"]) = (
            type.ToString(),
            System.Array.ConvertAll(shape, length => (object?)length)
        );
        (array.Writable["fortran_order"], array.Writable["data"]) = (fortranOrder, bytes);
    }

    // Python 2 wrote bytes as a string.
    private static byte[] Bytes(PickleContext context, object? value)
    {
        if (value is not string text)
            return context.Expect<byte[]>(value, "the bytes of a NumPy value");
        context.Allowance.Charge(24 + text.Length);
        return System.Text.Encoding.Latin1.GetBytes(text);
    }

    [GeneratedRegex("^(b1|i[1248]|u[1248]|f[248])$", RegexOptions.CultureInvariant)]
    private static partial Regex Codes();

    /// <summary>A dtype of NumPy: kind (b, i, u or f), bytes and their order.</summary>
    internal sealed record NumpyType(char Kind, int Size)
    {
        internal bool BigEndian { get; set; }

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"{(Size == 1 ? '|' : BigEndian ? '>' : '<')}{Kind}{Size}");
    }
}
