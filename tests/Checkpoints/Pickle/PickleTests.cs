using System.IO.Compression;
using PatchKit.Checkpoints;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Checkpoints.Pickle;

/// <summary>What PyTorch's later versions write, and what a damaged or hostile pickle is told.</summary>
public class PickleTests
{
    private static readonly byte[] Six = [.. Enumerable.Range(0, 6).SelectMany(i => BitConverter.GetBytes((float)i))];

    [Fact]
    public void ReadsWhatLaterVersionsWrite()
    {
        using var scope = NewDisposeScope();
        using var folder = Fixtures.NewFolder();
        var untyped = new PickleBytes()
            .Ops("}(")
            .Text("v3")
            .Global("torch._utils", "_rebuild_tensor_v3")
            .Ops("((")
            .Text("storage")
            .Global("torch", "UntypedStorage")
            .Text("0")
            .Text("cpu")
            .Int(24)
            .Ops("tQ")
            .Int(0)
            .Tuple(2, 3)
            .Tuple(3, 1)
            .Ops("\u0089")
            .Global("collections", "OrderedDict")
            .Ops(")R")
            .Global("torch", "float32")
            .Ops("tR")
            .Text("typed")
            .Global("torch._tensor", "_rebuild_from_type_v2")
            .Ops("(")
            .Global("torch._utils", "_rebuild_tensor_v2")
            .Global("torch.nn.parameter", "Parameter")
            .Ops("(")
            .Storage("FloatStorage", 6)
            .Int(3)
            .Tuple(3)
            .Tuple(1)
            .Ops("\u0088")
            .Global("collections", "OrderedDict")
            .Ops(")Rt}tR")
            .Text("numpy")
            .Global("numpy._core.multiarray", "scalar")
            .Global("numpy", "dtype")
            .Text("f8")
            .Ops("\u0089\u0088\u0087R(")
            .Int(3)
            .Text(">")
            .Ops("NNN")
            .Int(-1)
            .Int(-1)
            .Int(0)
            .Ops("tb")
            .Ops("C\u0008")
            .Raw(0x3f, 0xf8, 0, 0, 0, 0, 0, 0)
            .Ops("\u0086R")
            .Ops("u");
        using (var mixed = CheckpointFile.Open(folder.Write("mixed.pth", untyped.Zip(("0", Six)))))
        {
            // "FloatStorage" of 6 elements and "UntypedStorage" of 24 bytes are the same storage, and agree that it
            // holds float32.
            Assert.Equal(1.5, mixed.Value("numpy"));
            var tensors = mixed.StateDict();
            Expect.Is("[[0, 1, 2], [3, 4, 5]]", tensors["v3"]);
            tensors["typed"].fill_(7);
            Expect.Is("[[0, 1, 2], [7, 7, 7]]", tensors["v3"]);
            Assert.True(mixed.Tensors()["typed"].RequiresGrad);
        }
    }

    public static TheoryData<string, string> Hostile()
    {
        var rows = new TheoryData<string, string>();
        foreach (string form in Hostility.Forms)
        foreach (
            string name in (string[])
                ["os.system", "posix.system", "builtins.eval", "builtins.exec", "torch.storage._load_from_bytes"]
        )
            rows.Add(form, name);
        return rows;
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void AHostileNameIsRefusedByName(string form, string name)
    {
        using var folder = Fixtures.NewFolder();
        string marker = folder["ran"];
        foreach (
            byte[] file in (byte[][])
                [Hostility.Pickle(form, name, marker).Zip(), Hostility.Pickle(form, name, marker).Stream()]
        )
        {
            string path = folder.Write("hostile.pth", file),
                sentence = Expect.Refused<CheckpointException>(() => CheckpointFile.Open(path), path, "does not run");
            Assert.Contains(form.StartsWith("EXT", StringComparison.Ordinal) ? form : $"asks for {name}", sentence);
        }
        Assert.False(File.Exists(marker));
    }

    public static TheoryData<string, string> Damaged() =>
        new()
        {
            { "R", "nothing on its stack" },
            { "))R", "as what it calls" },
            { "ccollections\nOrderedDict\nNR", "gives None as the arguments" },
            { "ctorch\nTensor\n)R", "calls torch.Tensor, which PatchKit does not run" },
            { "ctorch\nFloatStorage\n)R", "calls torch.FloatStorage" },
            { "h\u0005", "refers back to value 5" },
            { "Nr\u00ff\u00ff\u00ff\u007f", "numbers a value 2147483647" },
            { "t", "no mark on its stack" },
            { "(K\u0001", "values left over" },
            { "NN", "values left over" },
            { "X\u00ff\u00ff\u00ff\u00ff", "without its end mark" },
            { "\u008b\u00ff\u00ff\u00ff\u007f", "integer of 2147483647 bytes" },
            { "]K\u0001s", "nothing on its stack" },
            { "}]K\u0001s", "has a list as the key" },
            { "}NK\u0001s", "has None as the key" },
            { "}(K\u0001u", "a key without a value" },
            { "K\u0001K\u0001a", "as the list of an append" },
            { "K\u0001}b", "sets the state of an integer" },
            { "\u0080\u0009N", "protocol 9" },
            { "\u00ff", "opcode 0xff" },
            { "Pabc\n", "opcode PERSID" },
            { "\u0097", "opcode NEXT_BUFFER" },
            { "c\u00ff\n\n", "asks for" },
            { "cos\u001b[31m\nsystem\n", "asks for os\\x1b[31m.system" },
            { "cos\nsys", "no end of line" },
            { "Iabc\n", "for an integer" },
            { "Fabc\n", "for a number" },
            { "NQ", "refers to something outside itself" },
            { "cnumpy\ndtype\nU\u0002O8\u0085R", "has the NumPy dtype \"O8\"" },
            { "ctorch\ndevice\n)R", "torch.device" },
            { "cargparse\nNamespace\nK\u0001\u0085R", "1 arguments where it takes 0 to 0" },
            { "cargparse\nNamespace\n)\u0081}K\u0001K\u0002sb", "as the name of a field" },
            { "cargparse\nNamespace\n)}K\u0001K\u0002s\u0092", "by keyword" },
            { "]q\u0000h\u0000a", "deep" },
            { string.Concat(Enumerable.Repeat("]", 80)) + new string('a', 79), "more than 64 deep" },
            {
                "]" + string.Concat(Enumerable.Range(0, 30).Select(i => $"q{(char)i}0]h{(char)i}ah{(char)i}a")),
                "unfolds to more than"
            },
        };

    [Theory]
    [MemberData(nameof(Damaged))]
    public void ADamagedPickleIsASentence(string opcodes, string words)
    {
        using var folder = Fixtures.NewFolder();
        foreach (
            byte[] bytes in (byte[][])[new PickleBytes().Ops(opcodes).Zip(), new PickleBytes().Ops(opcodes).Stream()]
        )
        {
            string path = folder.Write("bad.pth", bytes);
            Expect.Refused<CheckpointException>(() => CheckpointFile.Open(path), path, words);
        }
    }

    public static TheoryData<long, long, long[], long[], string> Escapes() =>
        new()
        {
            { 6, 1, [2, 3], [3, 1], "last element is number 6" },
            { 6, 0, [7], [1], "last element is number 6" },
            { 6, 0, [2], [6], "last element is number 6" },
            { 6, -1, [2], [1], "begins at element -1" },
            { 6, 5, [2], [-1], "a negative size" },
            { 6, 0, [-2, -3], [1, 1], "a negative size" },
            { 6, 0, [2, 3], [1], "with 1 strides for 2 dimensions" },
            { 6, 0, [long.MaxValue, long.MaxValue], [0, 0], "which no memory holds" },
            { 6, 0, [0, long.MaxValue, 8], [1, 1, 1], "which no memory holds" },
            { 6, 0, [1L << 40], [0], "more than twice the file's own" },
            { 6, long.MaxValue, [2], [long.MaxValue], "which no memory holds" },
            { 7, 0, [1], [1], "has 24 bytes of storage 0, but its pickle says 28" },
            { -1, 0, [1], [1], "has a storage of -1 elements" },
            { long.MaxValue, 0, [1], [1], "has a storage of 9223372036854775807 elements" },
        };

    [Theory]
    [MemberData(nameof(Escapes))]
    public void ATensorStaysWithinItsStorage(long elements, long offset, long[] shape, long[] stride, string words)
    {
        using var folder = Fixtures.NewFolder();
        string path = folder.Write(
            "bad.pth",
            new PickleBytes().Tensor("FloatStorage", elements, offset, shape, stride).Zip(("0", Six))
        );
        Expect.Refused<CheckpointException>(() => CheckpointFile.Open(path), path, words);
    }

    [Fact]
    public void AStorageHasOneDtype()
    {
        using var folder = Fixtures.NewFolder();
        var pickle = new PickleBytes()
            .Ops("](")
            .Tensor("FloatStorage", 6, 0, [6], [1])
            .Tensor("IntStorage", 6, 0, [6], [1])
            .Ops("e");
        Expect.Refused<CheckpointException>(
            () => CheckpointFile.Open(folder.Write("two.pth", pickle.Zip(("0", Six)))),
            "as float32 and as int32",
            "two.pth"
        );
        var complex = new PickleBytes().Tensor("ComplexFloatStorage", 3, 0, [3], [1]);
        Expect.Refused<CheckpointException>(
            () => CheckpointFile.Open(folder.Write("complex.pth", complex.Zip(("0", Six)))),
            "asks for torch.ComplexFloatStorage"
        );
    }

    [Fact]
    public void AZipThatTorchDoesNotWriteIsASentence()
    {
        using var folder = Fixtures.NewFolder();
        byte[] pickle = new PickleBytes().Tensor("FloatStorage", 6, 0, [6], [1]).ToArray();
        Refused("other", [("readme.txt", Six)], "without data.pkl");
        Refused("script", [("m/data.pkl", pickle), ("m/constants.pkl", pickle)], "is a TorchScript program");
        Refused("two", [("m/data.pkl", pickle), ("n/data.pkl", pickle)], "has two pickles");
        Refused("lacking", [("m/data.pkl", pickle), ("m/data/1", Six)], "has no entry m/data/0");
        Refused(
            "big",
            [("m/data.pkl", pickle), ("m/byteorder", "big"u8.ToArray()), ("m/data/0", Six)],
            "says byte order \"big\""
        );
        Refused("twice", [("m/data.pkl", pickle), ("m/data/0", Six), ("m/data/0", Six)], "two entries called m/data/0");
        string bomb = folder.Write(
            "bomb.pth",
            PickleBytes.Zip(CompressionLevel.SmallestSize, ("m/data.pkl", pickle), ("m/data/0", new byte[1 << 24]))
        );
        Expect.Refused<CheckpointException>(
            () => CheckpointFile.Open(bomb),
            bomb,
            "compressed entry",
            "unpack it first"
        );
        using var any = CheckpointFile.Open(
            folder.Write(
                "any.pth",
                PickleBytes.Zip(
                    CompressionLevel.NoCompression,
                    ("any name/data.pkl", pickle),
                    ("any name/byteorder", "little"u8.ToArray()),
                    ("any name/data/0", Six)
                )
            )
        );
        Assert.Equal(6, any.Tensors()["tensor"].NumElements);

        void Refused(string name, (string, byte[])[] entries, string words)
        {
            string path = folder.Write(name, PickleBytes.Zip(CompressionLevel.NoCompression, entries));
            Expect.Refused<CheckpointException>(() => CheckpointFile.Open(path), path, words);
        }
    }
}
