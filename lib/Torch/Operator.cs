using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>
/// An operator of libtorch by its name, for those that TorchSharp has no function for: any without a <c>Scalar</c> in
/// its schema. It takes all of the schema's arguments, in its order, and is recorded for gradients and cast by autocast
/// as any other.
/// </summary>
internal readonly unsafe struct Operator
{
    private const int MessageRoom = 4096;

    private readonly string _text;
    private readonly byte* _name,
        _overload;

    /// <summary>An operator, kept for good.</summary>
    /// <param name="name">such as <c>aten::mm</c>.</param>
    /// <param name="overload">such as <c>out</c>; empty for the one without.</param>
    internal Operator(string name, string overload = "")
    {
        _text = overload == "" ? name : $"{name}.{overload}";
        _name = (byte*)Marshal.StringToCoTaskMemUTF8(name);
        _overload = (byte*)Marshal.StringToCoTaskMemUTF8(overload);
    }

    /// <summary>Calls an operator that gives one tensor.</summary>
    /// <exception cref="ExternalException">libtorch refuses the call; the message has its sentence and the arguments'
    /// shapes.</exception>
    internal Tensor Call(params ReadOnlySpan<Argument> arguments)
    {
        ulong result;
        Invoke(arguments, &result, 1);
        return Tensor.UnsafeCreateTensor((nint)result);
    }

    /// <summary>Calls an operator that gives nothing.</summary>
    /// <exception cref="ExternalException">libtorch refuses the call; the message has its sentence and the arguments'
    /// shapes.</exception>
    internal void Invoke(params ReadOnlySpan<Argument> arguments) => Invoke(arguments, null, 0);

    [SkipLocalsInit]
    private void Invoke(ReadOnlySpan<Argument> arguments, ulong* results, int count)
    {
        ulong* stack = stackalloc ulong[Math.Max(arguments.Length, count)];
        byte* message = stackalloc byte[MessageRoom];
        for (int i = 0; i < arguments.Length; i++)
            stack[i] = arguments[i].Bits();
        if (DispatcherMessages.Refuses(_name, _overload, stack, message, MessageRoom))
            throw Failure(Marshal.PtrToStringUTF8((nint)message)!, arguments);
        for (int i = 0; i < count; i++)
            results[i] = stack[i];
    }

    private ExternalException Failure(string text, ReadOnlySpan<Argument> arguments)
    {
        var shapes = new List<string>();
        foreach (var argument in arguments)
            if (argument.Shape is { } shape)
                shapes.Add(shape);
        return new ExternalException($"{_text} of {string.Join(", ", shapes)}: {DispatcherMessages.Sentence(text)}");
    }
}
