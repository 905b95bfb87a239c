using System.Globalization;
using System.Numerics;
using System.Text.Json;
using PatchKit.Checkpoints;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Checkpoints;

/// <summary>
/// Everything in the files that PyTorch wrote is read as torch.load reads it: values, dtypes, shapes, strides and what
/// shares memory.
/// </summary>
public class FixtureTests
{
    private static readonly Lazy<JsonDocument> Expected = new(() =>
        JsonDocument.Parse(File.ReadAllBytes(Fixtures.PathOf("expected.json")))
    );

    public static IEnumerable<TheoryDataRow<string>> Files =>
        Expected.Value.RootElement.EnumerateObject().Select(file => new TheoryDataRow<string>(file.Name));

    [Theory]
    [MemberData(nameof(Files))]
    public void ReadsWhatTorchLoadReads(string name)
    {
        using var scope = NewDisposeScope();
        using var file = CheckpointFile.Open(Fixtures.PathOf(name));
        Assert.Equal(
            name.Contains("legacy") || name == "old_views.pth" ? "PyTorch stream (before 1.6)" : "PyTorch zip",
            file.Format
        );
        var storages = new Dictionary<string, int>();
        Same(name, Expected.Value.RootElement.GetProperty(name), file.Root, storages);
    }

    private static void Same(string where, JsonElement expected, object? actual, Dictionary<string, int> storages)
    {
        if (expected.ValueKind != JsonValueKind.Object)
        {
            Assert.Equal(
                expected.ValueKind switch
                {
                    JsonValueKind.True => true,
                    JsonValueKind.False => false,
                    JsonValueKind.Null => null,
                    _ => expected.GetString(),
                },
                actual
            );
            return;
        }
        var kind = expected.EnumerateObject().First();
        switch (kind.Name)
        {
            case "tensor":
                SameTensor(where, expected, Assert.IsType<CheckpointTensor>(actual), storages);
                break;
            case "dict":
                var dictionary = Assert.IsType<OrderedDictionary<object, object?>>(actual);
                Assert.Equal(kind.Value.GetArrayLength(), dictionary.Count);
                foreach (var (i, pair) in kind.Value.EnumerateArray().Index())
                {
                    Same($"{where}: key {i}", pair[0], dictionary.GetAt(i).Key, storages);
                    Same($"{where}.{dictionary.GetAt(i).Key}", pair[1], dictionary.GetAt(i).Value, storages);
                }
                break;
            case "record":
                var record = Assert.IsType<PickleRecord>(actual);
                Assert.Equal(kind.Value.GetString(), record.TypeName);
                var fields = expected.GetProperty("fields");
                Assert.Equal(fields.EnumerateArray().Select(field => field[0].GetString()), record.Fields.Keys);
                foreach (var field in fields.EnumerateArray())
                    Same($"{where}.{field[0]}", field[1], record[field[0].GetString()!], storages);
                break;
            case "list" or "tuple":
                Assert.Equal(kind.Name == "tuple", actual is object?[]);
                var list = Assert.IsAssignableFrom<IReadOnlyList<object?>>(actual);
                Assert.Equal(kind.Value.GetArrayLength(), list.Count);
                foreach (var (i, entry) in kind.Value.EnumerateArray().Index())
                    Same($"{where}[{i}]", entry, list[i], storages);
                break;
            case "int":
                Assert.Equal(
                    BigInteger.Parse(kind.Value.GetString()!, CultureInfo.InvariantCulture),
                    actual is long whole ? whole : Assert.IsType<BigInteger>(actual)
                );
                break;
            case "float":
                string text = kind.Value.GetString()!;
                Assert.Equal(
                    text == "inf" ? double.PositiveInfinity : double.Parse(text, CultureInfo.InvariantCulture),
                    actual
                );
                break;
            case "bytes":
                Assert.Equal(Convert.FromHexString(kind.Value.GetString()!), actual);
                break;
            case "dtype":
                Assert.Equal(kind.Value.GetString(), ElementTypes.TorchName(Assert.IsType<ScalarType>(actual)));
                break;
            default:
                Assert.Fail($"{where} is of the unknown kind {kind.Name}");
                break;
        }
    }

    private static void SameTensor(
        string where,
        JsonElement expected,
        CheckpointTensor actual,
        Dictionary<string, int> storages
    )
    {
        Assert.Equal(expected.GetProperty("tensor").GetString(), actual.DTypeName);
        Assert.Equal(Numbers(expected, "shape"), actual.Shape);
        Assert.Equal(expected.GetProperty("requires_grad").GetBoolean(), actual.RequiresGrad);
        using var loaded = actual.Load();
        Assert.Equal(actual.DType, loaded.dtype);
        Assert.Equal(Numbers(expected, "shape"), loaded.shape);
        using var doubles = loaded.to(float64);
        Assert.Equal(
            expected.GetProperty("values").EnumerateArray().Select(value => value.GetDouble()),
            doubles.flatten().data<double>().ToArray()
        );
        if (actual.NumElements == 0)
            return;

        // A dimension of one element has whatever stride its making gave it.
        Assert.Equal(Numbers(expected, "stride"), actual.Stride);
        for (int d = 0; d < loaded.ndim; d++)
            Assert.True(loaded.shape[d] == 1 || loaded.stride()[d] == actual.Stride[d], $"{where}: stride {d}");
        if (where.StartsWith("old_views", StringComparison.Ordinal))
            return;
        Assert.Equal(expected.GetProperty("offset").GetInt64(), actual.Offset);
        int number = expected.GetProperty("storage").GetInt32();
        Assert.True(
            storages.TryGetValue(actual.Storage, out int known)
                ? known == number
                : storages.TryAdd(actual.Storage, number),
            $"{where} shares memory with another"
        );
    }

    private static long[] Numbers(JsonElement of, string property) =>
        [.. of.GetProperty(property).EnumerateArray().Select(value => value.GetInt64())];
}
