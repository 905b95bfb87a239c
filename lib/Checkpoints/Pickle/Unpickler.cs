using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace PatchKit.Checkpoints.Pickle;

/// <summary>
/// Reads one pickle by a stack machine of its own. It knows values, containers and the names of
/// <see cref="AllowedGlobals"/>; it has no way to reach any other code, so that a hostile pickle is refused where it
/// names what it wants.
/// </summary>
internal ref struct Unpickler
{
    private const int LongestLine = 1024,
        LargestInteger = 1024,
        ObjectBytes = 32,
        BoxBytes = 24,
        EntryBytes = 64;

    private static readonly object Unset = new();
    private static readonly object True = true,
        False = false;
    private static readonly object[] SmallIntegers = [.. Enumerable.Range(0, 256).Select(value => (object)(long)value)];

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly PickleContext _context;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly List<object?> _memo = [];
    private int _at,
        _opcodeAt;
    private PickleOpcode _opcode;

    internal Unpickler(ReadOnlySpan<byte> bytes, PickleContext context)
    {
        (_context, _at) = (context, 0);
        _bytes = bytes;
    }

    /// <summary>How many bytes of the input the pickle took.</summary>
    internal readonly int Length => _at;

    /// <summary>Reads to the pickle's end.</summary>
    /// <exception cref="CheckpointException">It is damaged, or it asks for a name that is not allowed.</exception>
    internal object? Run()
    {
        while (true)
        {
            (_opcodeAt, _opcode) = (_at, PickleOpcode.STOP);
            _opcode = (PickleOpcode)Take(1)[0];
            switch (_opcode)
            {
                case PickleOpcode.STOP:
                    object? result = Pop();
                    if (_stack.Count > 0 || _marks.Count > 0)
                        throw Wrong("ends with values left over");
                    return result;

                case PickleOpcode.PROTO:
                    if (Take(1)[0] is > 5 and var protocol)
                        throw Wrong($"says protocol {protocol}, where 5 is the newest");
                    break;
                case PickleOpcode.FRAME:
                    Take(8);
                    break;

                case PickleOpcode.NONE:
                    Push(null);
                    break;
                case PickleOpcode.NEWTRUE:
                    Push(True);
                    break;
                case PickleOpcode.NEWFALSE:
                    Push(False);
                    break;
                case PickleOpcode.BININT:
                    PushInteger(BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                    break;
                case PickleOpcode.BININT1:
                    PushInteger(Take(1)[0]);
                    break;
                case PickleOpcode.BININT2:
                    PushInteger(BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                    break;
                case PickleOpcode.LONG1:
                    PushLong(Take(1)[0]);
                    break;
                case PickleOpcode.LONG4:
                    PushLong(BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                    break;
                case PickleOpcode.BINFLOAT:
                    PushNew(BinaryPrimitives.ReadDoubleBigEndian(Take(8)), BoxBytes);
                    break;
                case PickleOpcode.INT:
                    PushIntegerText(Line());
                    break;
                case PickleOpcode.LONG:
                    PushIntegerText(Line().TrimEnd('L'));
                    break;
                case PickleOpcode.FLOAT:
                    PushFloatText(Line());
                    break;

                case PickleOpcode.SHORT_BINUNICODE:
                    PushText(Take(1)[0], Encoding.UTF8);
                    break;
                case PickleOpcode.BINUNICODE:
                    PushText(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)), Encoding.UTF8);
                    break;
                case PickleOpcode.BINUNICODE8:
                    PushText(BinaryPrimitives.ReadUInt64LittleEndian(Take(8)), Encoding.UTF8);
                    break;
                case PickleOpcode.SHORT_BINSTRING:
                    PushText(Take(1)[0], Encoding.Latin1);
                    break;
                case PickleOpcode.BINSTRING:
                    PushText(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)), Encoding.Latin1);
                    break;
                case PickleOpcode.SHORT_BINBYTES:
                    PushBytes(Take(1)[0]);
                    break;
                case PickleOpcode.BINBYTES:
                    PushBytes(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                    break;
                case PickleOpcode.BINBYTES8 or PickleOpcode.BYTEARRAY8:
                    PushBytes(BinaryPrimitives.ReadUInt64LittleEndian(Take(8)));
                    break;

                case PickleOpcode.EMPTY_LIST
                or PickleOpcode.EMPTY_SET:
                    PushNew(new List<object?>(), ObjectBytes);
                    break;
                case PickleOpcode.EMPTY_TUPLE:
                    Push(Array.Empty<object?>());
                    break;
                case PickleOpcode.EMPTY_DICT:
                    Push(NewDictionary(_context));
                    break;
                case PickleOpcode.LIST or PickleOpcode.FROZENSET:
                    object?[] elements = PopToMark();
                    PushNew(new List<object?>(), ObjectBytes);
                    Append(elements);
                    break;
                case PickleOpcode.TUPLE:
                    Push(PopToMark());
                    break;
                case PickleOpcode.TUPLE1:
                    Push(PopTuple(1));
                    break;
                case PickleOpcode.TUPLE2:
                    Push(PopTuple(2));
                    break;
                case PickleOpcode.TUPLE3:
                    Push(PopTuple(3));
                    break;
                case PickleOpcode.DICT:
                    object?[] entries = PopToMark();
                    Push(NewDictionary(_context));
                    SetItems(entries);
                    break;
                case PickleOpcode.APPEND:
                    Append(PopTuple(1));
                    break;
                case PickleOpcode.APPENDS or PickleOpcode.ADDITEMS:
                    Append(PopToMark());
                    break;
                case PickleOpcode.SETITEM:
                    SetItems(PopTuple(2));
                    break;
                case PickleOpcode.SETITEMS:
                    SetItems(PopToMark());
                    break;

                case PickleOpcode.MARK:
                    Mark();
                    break;
                case PickleOpcode.POP:
                    if (_marks.Count > 0 && _marks[^1] == _stack.Count)
                        _marks.RemoveAt(_marks.Count - 1);
                    else
                        Pop();
                    break;
                case PickleOpcode.POP_MARK:
                    PopToMark();
                    break;
                case PickleOpcode.DUP:
                    Push(Top());
                    break;
                case PickleOpcode.BINPUT:
                    Put(Take(1)[0]);
                    break;
                case PickleOpcode.LONG_BINPUT:
                    Put(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                    break;
                case PickleOpcode.PUT:
                    Put(IndexText(Line()));
                    break;
                case PickleOpcode.MEMOIZE:
                    Put(_memo.Count);
                    break;
                case PickleOpcode.BINGET:
                    Get(Take(1)[0]);
                    break;
                case PickleOpcode.LONG_BINGET:
                    Get(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                    break;
                case PickleOpcode.GET:
                    Get(IndexText(Line()));
                    break;

                case PickleOpcode.GLOBAL:
                    Push(AllowedGlobals.Find(_context, Line(), Line()));
                    break;
                case PickleOpcode.STACK_GLOBAL:
                    string name = _context.Expect<string>(Pop(), "a name"),
                        module = _context.Expect<string>(Pop(), "a module's name");
                    Push(AllowedGlobals.Find(_context, module, name));
                    break;
                case PickleOpcode.REDUCE or PickleOpcode.NEWOBJ or PickleOpcode.NEWOBJ_EX:
                    if (
                        _opcode == PickleOpcode.NEWOBJ_EX
                        && Pop() is not OrderedDictionary<object, object?> { Count: 0 }
                    )
                        throw Wrong("calls something with arguments by keyword");
                    object?[] arguments = _context.Expect<object?[]>(Pop(), "the arguments of a call");
                    Push(Call(Pop(), arguments));
                    break;
                case PickleOpcode.BUILD:
                    Build();
                    break;
                case PickleOpcode.BINPERSID:
                    PushNew(_context.Storage(Pop()), 2 * ObjectBytes);
                    break;
                case PickleOpcode.INST:
                    AllowedGlobals.Find(_context, Line(), Line());
                    throw Unknown();

                default:
                    throw Unknown();
            }
        }
    }

    internal static OrderedDictionary<object, object?> NewDictionary(PickleContext context)
    {
        context.Allowance.Charge(3 * ObjectBytes);
        return new(KeyComparer.Instance);
    }

    internal static void Set(
        PickleContext context,
        OrderedDictionary<object, object?> dictionary,
        object? key,
        object? value
    )
    {
        if (key is not (string or long or bool or double))
            throw context.Wrong(
                $"has {PickleContext.Kind(key)} as the key of a dictionary, where PatchKit reads strings and numbers"
            );
        context.Allowance.Charge(EntryBytes);
        dictionary[key] = value;
    }

    // -- input -------------------------------------------------------------------------------------------------------

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(_bytes.Length - _at))
            throw new CheckpointException(
                _context.Path,
                $"has a pickle that stops at byte {_bytes.Length:N0} without its end mark; it is cut short "
                    + "or damaged, so download or save it again."
            );
        var taken = _bytes.Slice(_at, (int)count);
        _at += (int)count;
        return taken;
    }

    private string Line()
    {
        var rest = _bytes[_at..];
        int end = rest[..Math.Min(rest.Length, LongestLine)].IndexOf((byte)'\n');
        if (end < 0)
            throw Wrong($"has no end of line within {LongestLine} bytes of opcode {Name()}");
        _at += end + 1;
        // Twice, for the name that two lines make.
        _context.Allowance.Charge(2 * (BoxBytes + 2 * end));
        return Encoding.UTF8.GetString(rest[..end]).TrimEnd('\r');
    }

    // -- values ------------------------------------------------------------------------------------------------------

    private void PushInteger(long value)
    {
        if ((ulong)value < (ulong)SmallIntegers.Length)
            Push(SmallIntegers[value]);
        else
            PushNew(value, BoxBytes);
    }

    private void PushLong(long bytes)
    {
        if (bytes is < 0 or > LargestInteger)
            throw Wrong($"has an integer of {bytes} bytes, where {LargestInteger} are the most");
        var digits = Take((ulong)bytes);
        if (bytes > sizeof(long))
        {
            PushWhole(new BigInteger(digits), bytes);
            return;
        }
        // Little-endian, and negative where the highest bit is set.
        long value = bytes > 0 && digits[^1] >= 0x80 ? -1 : 0;
        for (int i = digits.Length - 1; i >= 0; i--)
            value = value << 8 | digits[i];
        PushInteger(value);
    }

    private void PushWhole(BigInteger value, long bytes)
    {
        if (value >= long.MinValue && value <= long.MaxValue)
            PushInteger((long)value);
        else
            PushNew(value, 2 * ObjectBytes + bytes);
    }

    // Protocol 0 writes booleans as the integers 00 and 01.
    private void PushIntegerText(string text)
    {
        if (_opcode == PickleOpcode.INT && text is "00" or "01")
            Push(text == "01" ? True : False);
        else if (
            text.Length <= LargestInteger
            && BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
        )
            PushWhole(value, text.Length);
        else
            throw Wrong($"has \"{Words.Safe(text)}\" for an integer");
    }

    private void PushFloatText(string text)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
            throw Wrong($"has \"{Words.Safe(text)}\" for a number");
        PushNew(value, BoxBytes);
    }

    private void PushText(ulong bytes, Encoding encoding)
    {
        var text = Take(bytes);
        _context.Allowance.Charge(BoxBytes + 2L * text.Length);
        Push(encoding.GetString(text));
    }

    private void PushBytes(ulong bytes)
    {
        var data = Take(bytes);
        _context.Allowance.Charge(BoxBytes + data.Length);
        Push(data.ToArray());
    }

    // -- stack and memo ----------------------------------------------------------------------------------------------

    private void PushNew(object? value, long bytes)
    {
        _context.Allowance.Charge(bytes);
        Push(value);
    }

    private void Push(object? value)
    {
        _context.Allowance.Grow(_stack, 1);
        _stack.Add(value);
    }

    private void Mark()
    {
        _context.Allowance.Grow(_marks, 1);
        _marks.Add(_stack.Count);
    }

    private readonly object? Top() =>
        _stack.Count > (_marks.Count > 0 ? _marks[^1] : 0)
            ? _stack[^1]
            : throw Wrong($"has nothing on its stack for opcode {Name()}");

    private readonly object? Pop()
    {
        object? top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private readonly object?[] PopTuple(int count)
    {
        _context.Allowance.Charge(BoxBytes + 8L * count);
        var values = new object?[count];
        for (int i = count - 1; i >= 0; i--)
            values[i] = Pop();
        return values;
    }

    private readonly object?[] PopToMark()
    {
        if (_marks.Count == 0)
            throw Wrong($"has no mark on its stack for opcode {Name()}");
        int mark = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        _context.Allowance.Charge(BoxBytes + 8L * (_stack.Count - mark));
        var values = new object?[_stack.Count - mark];
        _stack.CopyTo(mark, values, 0, values.Length);
        _stack.RemoveRange(mark, values.Length);
        return values;
    }

    // Picklers number the memo from 0, Python 2's from 1.
    private readonly void Put(long index)
    {
        if (index < 0 || index > _memo.Count + 1)
            throw Wrong($"numbers a value {index} where {_memo.Count} is next");
        object? top = Top();
        while (_memo.Count <= index)
        {
            _context.Allowance.Grow(_memo, 1);
            _memo.Add(Unset);
        }
        _memo[(int)index] = top;
    }

    private void Get(long index)
    {
        if (index < 0 || index >= _memo.Count || ReferenceEquals(_memo[(int)index], Unset))
            throw Wrong($"refers back to value {index}, which it has not numbered");
        Push(_memo[(int)index]);
    }

    private readonly long IndexText(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            ? index
            : throw Wrong($"has \"{Words.Safe(text)}\" for a number of its memo");

    // -- containers and objects --------------------------------------------------------------------------------------

    private readonly void Append(object?[] values)
    {
        var list = _context.Expect<List<object?>>(Top(), "the list of an append");
        _context.Allowance.Grow(list, values.Length);
        list.AddRange(values);
    }

    private readonly void SetItems(object?[] entries)
    {
        var dictionary = _context.Expect<OrderedDictionary<object, object?>>(Top(), "the dictionary of an entry");
        if (entries.Length % 2 != 0)
            throw Wrong("has a key without a value");
        for (int i = 0; i < entries.Length; i += 2)
            Set(_context, dictionary, entries[i], entries[i + 1]);
    }

    private readonly object? Call(object? callable, object?[] arguments)
    {
        var global = _context.Expect<PickleGlobal>(callable, "what it calls");
        if (global.Call is null)
            throw new CheckpointException(
                _context.Path,
                $"calls {global.Name}, which PatchKit does not run; if you trust the file, load it in "
                    + "Python and save only its tensors."
            );
        return global.Call(_context, arguments);
    }

    private readonly void Build()
    {
        object? state = Pop();
        switch (Top())
        {
            case PickleRecord { TypeName: "numpy.ndarray" } array:
                NumpyValue.SetState(_context, array, state);
                break;
            case PickleRecord record:
                foreach (
                    var (key, value) in _context.Expect<OrderedDictionary<object, object?>>(
                        state,
                        $"the fields of {record.TypeName}"
                    )
                )
                {
                    _context.Allowance.Charge(EntryBytes);
                    record.Writable[_context.Expect<string>(key, "the name of a field")] = value;
                }
                break;
            case NumpyValue.NumpyType type:
                NumpyValue.SetState(_context, type, state);
                break;
            // A state dictionary carries its modules' versions as an attribute: nothing that a tensor depends on.
            case OrderedDictionary<object, object?>:
                _context.Expect<OrderedDictionary<object, object?>>(state, "the attributes of a dictionary");
                break;
            case var other:
                throw Wrong($"sets the state of {PickleContext.Kind(other)}");
        }
    }

    // -- errors ------------------------------------------------------------------------------------------------------

    private readonly string Name() => Enum.IsDefined(_opcode) ? _opcode.ToString() : $"0x{(byte)_opcode:x2}";

    private readonly CheckpointException Wrong(string what) => _context.Wrong($"{what} (byte {_opcodeAt:N0})");

    private readonly CheckpointException Unknown() =>
        new(
            _context.Path,
            $"has opcode {Name()} at byte {_opcodeAt:N0} of its pickle, which torch.save does not write and "
                + "PatchKit does not run; it is damaged, or not a checkpoint."
        );
}
