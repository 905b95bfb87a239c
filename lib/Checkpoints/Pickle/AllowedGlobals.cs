using System.Collections.Frozen;
using static TorchSharp.torch;

namespace PatchKit.Checkpoints.Pickle;

/// <summary>
/// All Python names that PatchKit accepts in a pickle. Each makes an inert value: a tensor of the file, a dictionary, a
/// list, a number, text or a record.
/// </summary>
internal static class AllowedGlobals
{
    private static readonly FrozenDictionary<string, PickleGlobal> All = Names()
        .ToFrozenDictionary(global => global.Name);

    /// <summary>What a name of the list stands for.</summary>
    /// <exception cref="CheckpointException">The name is not on the list; it is in the message.</exception>
    internal static object Find(PickleContext context, string module, string name)
    {
        if (All.TryGetValue($"{module}.{name}", out var global))
            return global.Value ?? global;
        string asked = Words.Safe($"{module}.{name}");
        throw new CheckpointException(
            context.Path,
            $"asks for {asked}, which PatchKit does not run; a file of tensors needs no such name. "
                + "If you trust the file, load it in Python and save only its tensors: "
                + "torch.save(model.state_dict(), \"weights.pth\")."
        );
    }

    private static IEnumerable<PickleGlobal> Names()
    {
        foreach (var (type, torchName, storage) in ElementTypes.Names)
        {
            yield return new($"torch.{torchName}") { Value = type };
            yield return new($"torch.{storage}") { IsStorage = true, Element = type };
            yield return new($"torch.cuda.{storage}") { IsStorage = true, Element = type };
        }
        foreach (
            string name in (string[])
                ["torch.UntypedStorage", "torch.storage.UntypedStorage", "torch.cuda.UntypedStorage"]
        )
            yield return new(name) { IsStorage = true };

        yield return new("torch._utils._rebuild_tensor", RebuildTensor.Plain);
        yield return new("torch._utils._rebuild_tensor_v2", RebuildTensor.Second);
        yield return new("torch._utils._rebuild_tensor_v3", RebuildTensor.Third);
        yield return new("torch._utils._rebuild_parameter", RebuildTensor.Parameter);
        yield return new("torch._utils._rebuild_parameter_with_state", RebuildTensor.Parameter);
        yield return new("torch._tensor._rebuild_from_type_v2", RebuildTensor.FromType);
        yield return new("torch.Tensor");
        yield return new("torch.nn.parameter.Parameter");
        yield return new("torch.Size", (context, arguments) => Elements(context, arguments, "torch.Size").ToArray());
        yield return new("torch.device", Device);

        yield return new(
            "collections.OrderedDict",
            (context, arguments) => Pairs(context, arguments, "collections.OrderedDict")
        );
        yield return new(
            "collections.Counter",
            (context, arguments) => Pairs(context, arguments, "collections.Counter")
        );
        yield return new(
            "collections.defaultdict",
            (context, arguments) =>
                Pairs(
                    context,
                    arguments is [PickleGlobal or null, .. var rest] ? rest : arguments,
                    "collections.defaultdict"
                )
        );
        yield return new(
            "argparse.Namespace",
            (context, arguments) =>
            {
                context.ExpectArguments(arguments, 0, 0, "argparse.Namespace");
                context.Allowance.Charge(240);
                return new PickleRecord("argparse.Namespace");
            }
        );
        yield return new("_codecs.encode", Encode);
        foreach (string builtins in (string[])["builtins", "__builtin__"])
        {
            yield return new($"{builtins}.set", (context, arguments) => Elements(context, arguments, "set").ToList());
            yield return new(
                $"{builtins}.frozenset",
                (context, arguments) => Elements(context, arguments, "frozenset").ToList()
            );
            foreach (string name in (string[])["int", "float", "bool", "str", "list", "dict"])
                yield return new($"{builtins}.{name}");
        }
        foreach (string module in (string[])["pathlib", "pathlib._local"])
        foreach (string name in (string[])["PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath"])
            yield return new($"{module}.{name}", FilePath);

        yield return new("numpy.dtype", NumpyValue.Type);
        yield return new("numpy.ndarray");
        foreach (string core in (string[])["numpy.core", "numpy._core"])
        {
            yield return new($"{core}.multiarray.scalar", NumpyValue.Scalar);
            yield return new($"{core}.multiarray._reconstruct", NumpyValue.Array);
            yield return new($"{core}.numeric._frombuffer", NumpyValue.FromBuffer);
        }
    }

    private static IReadOnlyList<object?> Elements(PickleContext context, object?[] arguments, string callable)
    {
        context.ExpectArguments(arguments, 0, 1, callable);
        if (arguments.Length == 0)
            return [];
        var elements = context.Expect<IReadOnlyList<object?>>(arguments[0], $"the elements of {callable}");
        context.Allowance.Charge(40 + 8L * elements.Count);
        return elements;
    }

    // OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]); Counter({key: count}).
    private static OrderedDictionary<object, object?> Pairs(PickleContext context, object?[] arguments, string callable)
    {
        context.ExpectArguments(arguments, 0, 1, callable);
        var made = Unpickler.NewDictionary(context);
        if (arguments.Length == 0)
            return made;
        if (arguments[0] is OrderedDictionary<object, object?> other)
        {
            foreach (var (key, value) in other)
                Unpickler.Set(context, made, key, value);
            return made;
        }
        foreach (object? entry in context.Expect<IReadOnlyList<object?>>(arguments[0], $"the entries of {callable}"))
        {
            if (entry is not IReadOnlyList<object?> { Count: 2 } pair)
                throw context.Wrong($"gives {PickleContext.Kind(entry)} as an entry of {callable}");
            Unpickler.Set(context, made, pair[0], pair[1]);
        }
        return made;
    }

    // How protocol 2 writes bytes: as text of the same numbers.
    private static object Encode(PickleContext context, object?[] arguments)
    {
        context.ExpectArguments(arguments, 2, 2, "_codecs.encode");
        string text = context.Expect<string>(arguments[0], "the text of _codecs.encode");
        if (arguments[1] is not "latin1")
            throw context.Wrong(
                $"encodes text by {PickleContext.Kind(arguments[1])} where \"latin1\" is the only encoding of bytes"
            );
        context.Allowance.Charge(24 + text.Length);
        return System.Text.Encoding.Latin1.GetBytes(text);
    }

    private static object Device(PickleContext context, object?[] arguments)
    {
        if (arguments is not ([string { Length: < 32 }] or [string { Length: < 32 }, long]))
            throw context.Wrong("has a torch.device that is not a name and a number");
        context.Allowance.Charge(128);
        return string.Join(':', arguments);
    }

    private static object FilePath(PickleContext context, object?[] arguments)
    {
        long length = arguments.Sum(part => 1L + context.Expect<string>(part, "a part of a path").Length);
        context.Allowance.Charge(24 + 2 * length);
        return arguments is ["/", .. var rest] ? "/" + string.Join('/', rest) : string.Join('/', arguments);
    }
}
