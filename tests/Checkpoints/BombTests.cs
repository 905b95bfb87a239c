using System.Text;
using PatchKit.Checkpoints;
using PatchKit.Tests.Checkpoints.Pickle;
using Xunit;

namespace PatchKit.Tests.Checkpoints;

/// <summary>
/// Files of a megabyte that would become many: refused, or read, within twice their size and the 4 MiB that small files
/// may use.
/// </summary>
[Trait("speed", "seconds")]
public class BombTests
{
    private const int Size = 1 << 20;
    private const long Small = 5L << 20;

    public static TheoryData<string> Pickles() =>
        new(
            "]",
            "}",
            "N",
            "(",
            ")",
            "\u008f",
            "G\u003f\u00f0\0\0\0\0\0\0",
            "M\u00ff\u00ff",
            "C\0",
            "X\u0001\0\0\0a",
            "\u008a\u0008\0\0\0\0\0\0\0\u0070",
            "I7\n",
            "]q\u0000",
            "(t",
            "(l",
            "(d",
            "]a",
            "K\u0001\u0085",
            "h\u0000",
            "\u0094",
            "ccollections\nOrderedDict\n",
            "ccollections\nOrderedDict\n)R",
            "cargparse\nNamespace\n)\u0081",
            "h\u0000h\u0000\u0086",
            "(h\u0000h\u0000h\u0000h\u0000t",
            "cpathlib\nPosixPath\n(h\u0000h\u0000h\u0000tR",
            "c_codecs\nencode\nh\u0000U\u0006latin1\u0086R",
            "ctorch\nSize\nh\u0001\u0085R"
        );

    [Theory]
    [MemberData(nameof(Pickles))]
    public void AMegabyteOfOneThingIsBounded(string repeated)
    {
        using var folder = Fixtures.NewFolder();
        // Number 0 is a long text, number 1 a long tuple.
        var prefix = new PickleBytes()
            .Text(new string('x', 1000))
            .Ops("q\0(")
            .Ops(new string('N', 1000))
            .Ops("tq\u0001");
        var pickle = prefix.Ops(string.Concat(Enumerable.Repeat(repeated, Size / repeated.Length)));
        Assert.NotNull(Measured.Load(folder.Write("zip.pth", pickle.Zip()), Small).Sentence);
        Assert.NotNull(Measured.Load(folder.Write("stream.pth", pickle.Stream()), Small).Sentence);
    }

    [Fact]
    public void ALongListOfSmallNumbersIsRead()
    {
        using var folder = Fixtures.NewFolder();
        byte[] bytes = new PickleBytes()
            .Ops("]")
            .Ops(string.Concat(Enumerable.Repeat($"({string.Concat(Enumerable.Repeat("K\u0007", 1000))}e", 100)))
            .Zip();
        using var file = CheckpointFile.Open(folder.Write("list.pth", bytes));
        Assert.Equal(100_000, Assert.IsType<List<object?>>(file.Root).Count);
    }

    [Fact]
    public void ManyTensorsOverOneStorageCostWhatTheyAre()
    {
        using var folder = Fixtures.NewFolder();
        var pickle = new PickleBytes().Ops("](");
        pickle
            .Global("torch._utils", "_rebuild_tensor_v2")
            .Ops("q\0")
            .Ops("0(")
            .Storage("ByteStorage", Size)
            .Ops("K\0K\u0001\u0085K\u0001\u0085\u0089}tq\u0001" + "0");
        for (int i = 0; i < 20_000; i++)
            pickle.Ops("h\0h\u0001R");
        var loaded = Measured.Load(folder.Write("many.pth", pickle.Ops("e").Zip(("0", new byte[Size]))), Small);
        Assert.Contains("over twice its own", loaded.Sentence);
    }

    [Fact]
    public void KeysThatCollideDoNotStopTheReader()
    {
        using var folder = Fixtures.NewFolder();
        var pickle = new PickleBytes().Ops("}(");
        // All of these have the same hash in .NET: the upper half equals the lower.
        long[] keys = [.. Enumerable.Range(1, 30_000).Select(i => (long)i << 32 | (uint)i)];
        foreach (long key in keys)
            pickle.Int(key).Ops("N");
        using var file = CheckpointFile.Open(folder.Write("collide.pth", pickle.Ops("u").Zip()));
        var read = Assert.IsType<OrderedDictionary<object, object?>>(file.Root);
        Assert.Equal(keys.Length, read.Count);
        Assert.InRange(keys.Select(key => read.Comparer.GetHashCode(key)).Distinct().Count(), 29_900, keys.Length);
    }

    [Fact]
    public void LongNamesOverManyTensorsAreBounded()
    {
        using var folder = Fixtures.NewFolder();
        var pickle = new PickleBytes()
            .Ops("}")
            .Text(new string('n', 100_000))
            .Ops("]q\0(")
            .Ops(new string('N', 1))
            .Tensor("ByteStorage", 1, 0, [1], [1])
            .Ops(new string('N', 10_000))
            .Ops("es");
        Measured.Load(folder.Write("names.pth", pickle.Zip(("0", [1]))), Small);
    }

    [Theory]
    [InlineData("\"t{0}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}},")]
    [InlineData("\"t{0}\":{{}},")]
    [InlineData(
        "\"t{0}\":{{\"dtype\":\"U8\",\"shape\":[0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"
            + "\"data_offsets\":[0,0]}},"
    )]
    public void AHeaderOfManyTensorsIsBounded(string entry)
    {
        using var folder = Fixtures.NewFolder();
        var json = new StringBuilder("{");
        for (int i = 0; json.Length < Size; i++)
            json.AppendFormat(System.Globalization.CultureInfo.InvariantCulture, entry, i);
        byte[] header = Encoding.UTF8.GetBytes(json.ToString(0, json.Length - 1) + "}");
        Measured.Load(
            folder.Write("many.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. header]),
            Small
        );
        Measured.Load(
            folder.Write(
                "nested.safetensors",
                [.. BitConverter.GetBytes((long)Size), .. Encoding.UTF8.GetBytes("{\"a\":" + new string('[', Size - 5))]
            ),
            Small
        );
    }

    [Fact]
    public void AZipOfManyEntriesIsBounded()
    {
        using var folder = Fixtures.NewFolder();
        byte[] pickle = new PickleBytes().Ops("N").ToArray();
        byte[] zip = PickleBytes.Zip(
            System.IO.Compression.CompressionLevel.NoCompression,
            [("a/data.pkl", pickle), .. Enumerable.Range(0, 20_000).Select(i => ($"{i}", Array.Empty<byte>()))]
        );
        Measured.Load(folder.Write("entries.pth", zip), Small);
    }
}
