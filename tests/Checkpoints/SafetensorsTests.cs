using System.Buffers.Binary;
using System.Text;
using PatchKit.Checkpoints;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Checkpoints;

/// <summary>Writing and reading safetensors, and the sentences for files that are not what they say.</summary>
public class SafetensorsTests
{
    private static readonly ScalarType[] AllTypes =
    [
        ScalarType.Float64,
        ScalarType.Float32,
        ScalarType.Float16,
        ScalarType.BFloat16,
        ScalarType.Int64,
        ScalarType.Int32,
        ScalarType.Int16,
        ScalarType.Int8,
        ScalarType.Byte,
        ScalarType.Bool,
    ];

    [Fact]
    public void EveryDtypeMakesTheRoundTrip()
    {
        using var scope = NewDisposeScope();
        using var folder = Fixtures.NewFolder();
        var tensors = AllTypes.ToDictionary(type => $"{type} é \"quoted\"", type => (randn([3, 5]) * 2).to(type));
        tensors["scalar"] = tensor(2.5f);
        tensors["empty"] = zeros([0, 4], ScalarType.Int64);
        tensors["transposed"] = arange(6, float32).reshape(2, 3).transpose(0, 1);
        tensors["parameter"] = ones([2], requires_grad: true);
        Safetensors.Write(
            folder["all.safetensors"],
            tensors,
            new Dictionary<string, string> { ["note"] = "a\nb", ["epoch"] = "3" }
        );
        var read = Safetensors.Read(folder["all.safetensors"]);
        Assert.Equal(tensors.Keys.Order(), read.Keys.Order());
        foreach (var (name, tensor) in tensors)
            Expect.SameBits(tensor.detach(), read[name]);
        using var file = CheckpointFile.Open(folder["all.safetensors"]);
        Assert.Equal(("safetensors", "a\nb", "3"), (file.Format, file.Metadata["note"], file.Metadata["epoch"]));
        Assert.Equal(["all.safetensors"], folder.Names);
    }

    [Fact]
    public void TheSameTensorsGiveTheSameAlignedBytes()
    {
        using var scope = NewDisposeScope();
        using var folder = Fixtures.NewFolder();
        var tensors = new Dictionary<string, Tensor>
        {
            ["odd"] = ones(3, int8),
            ["b"] = ones(5),
            ["a"] = ones(5),
            ["wide"] = ones(1, float64),
            ["half"] = ones(3, float16),
        };
        Safetensors.Write(folder["1"], tensors);
        Safetensors.Write(folder["2"], tensors.Reverse());
        byte[] bytes = File.ReadAllBytes(folder["1"]);
        Assert.Equal(bytes, File.ReadAllBytes(folder["2"]));
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, header % 8);
        using var json = System.Text.Json.JsonDocument.Parse(bytes.AsMemory(8, header));
        Assert.Equal(["wide", "a", "b", "half", "odd"], json.RootElement.EnumerateObject().Select(entry => entry.Name));
        foreach (var entry in json.RootElement.EnumerateObject())
            Assert.Equal(0, entry.Value.GetProperty("data_offsets")[0].GetInt64() % tensors[entry.Name].element_size());
    }

    [Fact]
    public void AFileIsReplacedWholeOrNotAtAll()
    {
        using var folder = Fixtures.NewFolder();
        using var one = ones(1);
        using var complex = CheckpointFile.Open(Fixtures.PathOf("small.safetensors"));
        string path = folder["w.safetensors"];
        Safetensors.Write(path, new Dictionary<string, Tensor> { ["a"] = one });
        Expect.Refused<CheckpointException>(
            () => Safetensors.Write(path, new Dictionary<string, Tensor> { ["b"] = one }, overwrite: false),
            path,
            "exists already"
        );
        Expect.Refused<CheckpointException>(
            () => Safetensors.Write(path, [KeyValuePair.Create("b", one), KeyValuePair.Create("b", one)]),
            "two tensors named b"
        );
        Expect.Refused<CheckpointException>(
            () => Safetensors.Write(path, [KeyValuePair.Create("__metadata__", one)]),
            "__metadata__"
        );
        Expect.Refused<CheckpointException>(
            () => Safetensors.Write(folder["absent/w.safetensors"], [KeyValuePair.Create("b", one)]),
            "cannot be written"
        );
        complex.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Safetensors.Write(path, complex.Tensors()));
        Assert.Equal(["a"], Keys(path));
        Assert.Equal(["w.safetensors"], folder.Names);

        static IEnumerable<string> Keys(string path)
        {
            using var file = CheckpointFile.Open(path);
            return file.Tensors().Keys;
        }
    }

    [Fact]
    public void ReadsAFileThatAnotherProgramWrote()
    {
        using var scope = NewDisposeScope();
        var tensors = Safetensors.Read(Fixtures.PathOf("small.safetensors"));
        Expect.Is("[[0, 1, 2], [3, 4, 5]]", tensors["a.weight"]);
        Expect.Is("[1, -1]", tensors["b"]);
        Expect.Is("0.5", tensors["c"]);
    }

    [Theory]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""",
        7,
        "at bytes 0 to 8 of its data, which has 7 bytes"
    )]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""",
        9,
        "has 9 bytes of data, but its tensors take 8"
    )]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "float32 [3], in 8 bytes")]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"""
            + ""","a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""",
        16,
        "names a twice"
    )]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"""
            + ""","b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""",
        12,
        "overlap or leave a gap"
    )]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"""
            + ""","b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}""",
        20,
        "overlap or leave a gap"
    )]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "at bytes 8 to 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "something else than a size")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "something else than a size")]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,8]}}""",
        8,
        "something else than a size"
    )]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[4611686018427387904,4,4611686018427387904],"data_offsets":[0,0]}}""",
        0,
        "in 0 bytes"
    )]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}""",
        0,
        "which no memory holds"
    )]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}""", 2, "holds a as F8_E4M3")]
    [InlineData("""{"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}""", 2, "holds 255 among the booleans")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "lacks dtype, shape or data_offsets of a")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,16]}}""", 8, "more than 2 numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x""", 8, "no JSON of safetensors")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", 8, "no JSON of safetensors")]
    [InlineData("""{"a":[1]}""", 0, "no JSON of safetensors")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "no JSON of safetensors")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "names a twice in its metadata")]
    [InlineData("""{"\ud800":{}}""", 0, "no JSON of safetensors")]
    [InlineData("""{"a":{"x":[[[[[[[[[[[]]]]]]]]]]]}}""", 0, "no JSON of safetensors")]
    [InlineData("{}", 0, "holds no tensors")]
    public void AHeaderThatDoesNotFitIsASentence(string header, int data, string words)
    {
        using var folder = Fixtures.NewFolder();
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] bytes = [.. BitConverter.GetBytes((long)json.Length), .. json, .. Enumerable.Repeat((byte)255, data)];
        string path = folder.Write("bad.safetensors", bytes);
        Expect.Refused<CheckpointException>(() => Safetensors.Read(path), path, words);
    }

    [Theory]
    [InlineData(1000L, "says its header has 1,000 bytes, but the whole file has 16")]
    [InlineData(-1L, "18,446,744,073,709,551,615 bytes")]
    [InlineData(long.MaxValue, "9,223,372,036,854,775,807 bytes")]
    public void AHeaderLongerThanTheFileIsASentence(long length, string words)
    {
        using var folder = Fixtures.NewFolder();
        string path = folder.Write("bad.safetensors", [.. BitConverter.GetBytes(length), .. "{}      "u8]);
        Expect.Refused<CheckpointException>(() => Safetensors.Open(path), path, words);
    }
}
