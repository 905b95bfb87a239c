using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Golden;

/// <summary>
/// Reference numbers from an independent implementation: a JSON sidecar with the cases and tolerances, and safetensors
/// beside it. They are in tests/fixtures/golden.
/// </summary>
public sealed class GoldenFile
{
    private readonly byte[] _bytes;
    private readonly int _start;
    private readonly Dictionary<string, JsonElement> _entries;

    private GoldenFile(string name, string tensors)
    {
        using var sidecar = JsonDocument.Parse(File.ReadAllBytes(PathOf(name + ".json")));
        (Name, Json) = (name, sidecar.RootElement.Clone());
        string path = PathOf(tensors + ".safetensors");
        if (!File.Exists(path))
        {
            (_bytes, _entries) = ([], []);
            return;
        }
        _bytes = File.ReadAllBytes(path);
        // 8 bytes: the length of the JSON header
        int header = checked((int)BinaryPrimitives.ReadInt64LittleEndian(_bytes));
        _start = 8 + header;
        using var index = JsonDocument.Parse(_bytes.AsMemory(8, header));
        _entries = index
            .RootElement.EnumerateObject()
            .Where(entry => entry.Name != "__metadata__")
            .ToDictionary(entry => entry.Name, entry => entry.Value.Clone());
    }

    /// <summary>The folder of the reference numbers; it need not exist.</summary>
    public static string Folder { get; } = Checkout.Path("tests", "fixtures", "golden");

    /// <summary>The sidecar's name without its ending, such as "06_adamw".</summary>
    public string Name { get; }

    /// <summary>The sidecar.</summary>
    public JsonElement Json { get; }

    /// <summary>The names of the tensors.</summary>
    public IEnumerable<string> Names => _entries.Keys;

    /// <summary>Whether there is a sidecar of this name.</summary>
    public static bool Exists(string name) => File.Exists(PathOf(name + ".json"));

    /// <summary>Reads a sidecar and its tensors.</summary>
    /// <param name="name">the sidecar's name without its ending.</param>
    /// <param name="tensors">the safetensors' name where it is another, such as "04_adventurer_i16p4".</param>
    public static GoldenFile Open(string name, string? tensors = null) => new(name, tensors ?? name);

    /// <summary>
    /// One row of a theory for each case of a sidecar. A sidecar that is absent gives one row that is skipped by its
    /// name; a sidecar without cases gives none, which fails the theory.
    /// </summary>
    /// <param name="name">the sidecar's name without its ending.</param>
    /// <param name="discover">reads the names of the cases.</param>
    public static IEnumerable<TheoryDataRow<string>> Cases(
        string name,
        Func<GoldenFile, IEnumerable<string>> discover
    ) =>
        Exists(name)
            ? discover(Open(name)).Select(found => new TheoryDataRow<string>(found))
            : [new TheoryDataRow<string>(name) { Skip = $"{name}.json is not in {Folder}." }];

    /// <summary>One row for each object of the sidecar's array "cases", by its "name".</summary>
    public static IEnumerable<TheoryDataRow<string>> Cases(string name) =>
        Cases(
            name,
            file =>
                file.Json.GetProperty("cases").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)
        );

    /// <summary>The object of the sidecar's array "cases" with a given "name".</summary>
    public JsonElement Case(string name) =>
        Json.GetProperty("cases").EnumerateArray().Single(entry => entry.GetProperty("name").GetString() == name);

    /// <summary>
    /// A number in a tolerance of the sidecar, which may be a sentence: values first, then gradients.
    /// </summary>
    /// <param name="key">"tolerance_float32", or another.</param>
    /// <param name="which">0 for the sentence's first number.</param>
    public double Tolerance(string key = "tolerance_float32", int which = 0) =>
        double.Parse(
            Regex.Matches(Json.GetProperty(key).GetString()!, @"\d+(\.\d+)?e-\d+")[which].Value,
            CultureInfo.InvariantCulture
        );

    /// <summary>The part of the tensors' names after a prefix and a dot.</summary>
    public IEnumerable<string> Parts(string prefix) =>
        Names.Where(name => name.StartsWith(prefix + ".")).Select(name => name[(prefix.Length + 1)..]);

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Has(string name) => _entries.ContainsKey(name);

    /// <summary>The shape of a tensor.</summary>
    public long[] Shape(string name) =>
        [.. Entry(name).GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];

    /// <summary>The elements of a tensor, row by row, as numbers of any kind.</summary>
    public double[] Array(string name) =>
        DType(name) switch
        {
            "F64" => Raw<double>(name),
            "F32" => System.Array.ConvertAll(Raw<float>(name), value => (double)value),
            "I64" => System.Array.ConvertAll(Raw<long>(name), value => (double)value),
            "U8" => System.Array.ConvertAll(Raw<byte>(name), value => (double)value),
            var other => throw Unknown(name, other),
        };

    /// <summary>A tensor on the tests' device, in the type it is stored in, or converted.</summary>
    /// <param name="name">its name.</param>
    /// <param name="dtype">the type to convert to; as stored where null.</param>
    public Tensor Tensor(string name, ScalarType? dtype = null)
    {
        var stored = DType(name) switch
        {
            "F64" => tensor(Raw<double>(name), Shape(name)),
            "F32" => tensor(Raw<float>(name), Shape(name)),
            "I64" => tensor(Raw<long>(name), Shape(name)),
            "U8" => tensor(Raw<byte>(name), Shape(name)),
            var other => throw Unknown(name, other),
        };
        return stored.to(dtype ?? stored.dtype, TestDevice.Current);
    }

    /// <summary>
    /// Fails unless max|a - ref| / max|ref| of a result and the tensor of a name is within a tolerance.
    /// </summary>
    /// <param name="name">the reference.</param>
    /// <param name="actual">what was computed, of the same shape.</param>
    /// <param name="tolerance">the greatest error.</param>
    public void AssertClose(string name, Tensor actual, double tolerance)
    {
        using var reference = Tensor(name, ScalarType.Float64);
        Assert.Equal(reference.shape, actual.shape);
        double error = Error(actual, reference);
        Assert.True(
            error <= tolerance,
            $"{Name}: {name} is off by {error:G3} of its largest magnitude; {tolerance:G3} is allowed."
        );
    }

    /// <summary>Loads a module's state from the tensors whose names follow a prefix; every key must be there.</summary>
    public void LoadInto(nn.Module module, string prefix) =>
        module.load_state_dict(Parts(prefix).ToDictionary(key => key, key => Tensor($"{prefix}.{key}")));

    /// <summary>Compares the gradients whose names follow a prefix with those of a module's parameters.</summary>
    public void AssertGradients(nn.Module module, string prefix, double tolerance, string? except = null)
    {
        var parameters = module.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        var names = Parts(prefix).Where(name => name != except).ToList();
        Assert.NotEmpty(names);
        foreach (string name in names)
            AssertClose($"{prefix}.{name}", parameters[name].grad!, tolerance);
    }

    /// <summary>
    /// max|a - ref| / max|ref|; max|a| where the reference is all zeros, 0 where it is empty, and NaN where a is not
    /// finite.
    /// </summary>
    public static double Error(Tensor actual, Tensor reference)
    {
        if (reference.numel() == 0)
            return 0;
        using var scope = NewDisposeScope();
        var expected = reference.detach().cpu().to_type(ScalarType.Float64);
        double scale = expected.abs().max().item<double>();
        double difference = (actual.detach().cpu().to_type(ScalarType.Float64) - expected).abs().max().item<double>();
        return scale == 0 ? difference : difference / scale;
    }

    private JsonElement Entry(string name) =>
        _entries.TryGetValue(name, out var entry)
            ? entry
            : throw new KeyNotFoundException(
                $"{Name} has no tensor \"{name}\"; it has {string.Join(", ", _entries.Keys.Take(8))}, ..."
            );

    private string DType(string name) => Entry(name).GetProperty("dtype").GetString()!;

    private T[] Raw<T>(string name)
        where T : unmanaged
    {
        var ends = Entry(name).GetProperty("data_offsets");
        int from = ends[0].GetInt32(),
            to = ends[1].GetInt32();
        return MemoryMarshal.Cast<byte, T>(_bytes.AsSpan(_start + from, to - from)).ToArray();
    }

    private static NotSupportedException Unknown(string name, string dtype) =>
        new($"{name} is stored as {dtype}; GoldenFile reads F64, F32, I64 and U8.");

    private static string PathOf(string file) => Path.Combine(Folder, file);
}
