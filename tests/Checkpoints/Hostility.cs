using PatchKit.Tests.Checkpoints.Pickle;

namespace PatchKit.Tests.Checkpoints;

/// <summary>
/// Pickles that ask for code: each way that pickle has of reaching a callable, with names that attacks use.
/// </summary>
internal static class Hostility
{
    internal static readonly string[] Forms =
    [
        "GLOBAL",
        "GLOBAL alone",
        "STACK_GLOBAL",
        "STACK_GLOBAL from memo",
        "BUILD",
        "INST",
        "OBJ",
        "NEWOBJ",
        "NEWOBJ_EX",
        "EXT1",
        "EXT2",
        "EXT4",
        "inside a tensor",
        "as a storage's class",
        "as a dictionary's value",
    ];

    internal static readonly string[] Names =
    [
        "os.system",
        "posix.system",
        "nt.system",
        "os.popen",
        "os.execv",
        "builtins.eval",
        "builtins.exec",
        "__builtin__.eval",
        "builtins.getattr",
        "builtins.__import__",
        "builtins.open",
        "builtins.compile",
        "subprocess.Popen",
        "subprocess.check_output",
        "runpy._run_code",
        "importlib.import_module",
        "pickle.loads",
        "_pickle.loads",
        "torch.load",
        "torch.hub.load",
        "torch.jit.load",
        "torch.serialization.load",
        "torch.storage._load_from_bytes",
        "torch._utils.os.system",
        "numpy.load",
        "numpy.testing._private.utils.runstring",
        "operator.attrgetter",
        "functools.partial",
        "types.CodeType",
        "pty.spawn",
        "webbrowser.open",
        "code.InteractiveInterpreter",
        "collections.namedtuple",
        "argparse.ArgumentParser",
        "codecs.encode",
        "pathlib.Path",
        "copy_reg._reconstructor",
        "torch.nn.modules.linear.Linear",
    ];

    internal static PickleBytes Pickle(string form, string name, string marker)
    {
        int dot = name.LastIndexOf('.');
        string module = name[..dot],
            member = name[(dot + 1)..],
            command = name.EndsWith("system", StringComparison.Ordinal) ? $"touch {marker}" : $"open('{marker}', 'w')";
        var pickle = new PickleBytes();
        return form switch
        {
            "GLOBAL" => pickle.Global(module, member).Text(command).Ops("\u0085R"),
            "GLOBAL alone" => pickle.Global(module, member),
            "STACK_GLOBAL" => pickle.Text(module).Text(member).Ops("\u0093").Text(command).Ops("\u0085R"),
            "STACK_GLOBAL from memo" => pickle
                .Text(module)
                .Ops("q\0")
                .Ops("0")
                .Text(member)
                .Ops("q\u0001")
                .Ops("0h\0h\u0001\u0093")
                .Text(command)
                .Ops("\u0085R"),
            "BUILD" => pickle
                .Global("argparse", "Namespace")
                .Ops(")\u0081}")
                .Text("__class__")
                .Global(module, member)
                .Ops("sb"),
            "INST" => pickle.Ops("(").Text(command).Ops($"i{module}\n{member}\n"),
            "OBJ" => pickle.Ops("(").Global(module, member).Text(command).Ops("o"),
            "NEWOBJ" => pickle.Global(module, member).Text(command).Ops("\u0085\u0081"),
            "NEWOBJ_EX" => pickle.Global(module, member).Text(command).Ops("\u0085}\u0092"),
            "EXT1" => pickle.Ops("\u0082\u0001").Text(command).Ops("\u0085R"),
            "EXT2" => pickle.Ops("\u0083\u0001\0").Text(command).Ops("\u0085R"),
            "EXT4" => pickle.Ops("\u0084\u0001\0\0\0").Text(command).Ops("\u0085R"),
            "inside a tensor" => pickle
                .Global("torch._utils", "_rebuild_tensor_v2")
                .Ops("((")
                .Text("storage")
                .Global("torch", "FloatStorage")
                .Global(module, member)
                .Text(command)
                .Ops("\u0085R"),
            "as a storage's class" => pickle
                .Ops("(")
                .Text("storage")
                .Global(module, member)
                .Text("0")
                .Text("cpu")
                .Int(1)
                .Ops("tQ"),
            _ => pickle.Ops("}").Text("model").Global(module, member).Text(command).Ops("\u0085Rs"),
        };
    }
}
