using System.Buffers.Binary;
using System.Globalization;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Checkpoints;

/// <summary>
/// 300 files that are not what torch.save or safetensors wrote: each gives a sentence or a correct load, runs nothing,
/// and allocates no more than twice its own size. PATCHKIT_MUTATIONS=N tries N more of each kind.
/// </summary>
public class MutationTests
{
    private static readonly (string Kind, int Count)[] Kinds =
    [
        ("bits", 90),
        ("truncation", 50),
        ("number", 60),
        ("splice", 20),
        ("hostile", 50),
        ("header", 30),
    ];

    public static IEnumerable<TheoryDataRow<string, int>> Mutations
    {
        get
        {
            int more = int.Parse(
                Environment.GetEnvironmentVariable("PATCHKIT_MUTATIONS") ?? "0",
                CultureInfo.InvariantCulture
            );
            return Kinds.SelectMany(kind =>
                Enumerable.Range(0, kind.Count + more).Select(seed => new TheoryDataRow<string, int>(kind.Kind, seed))
            );
        }
    }

    [Fact]
    public void ThereAreThreeHundred() => Assert.Equal(300, Kinds.Sum(kind => kind.Count));

    [Theory]
    [MemberData(nameof(Mutations))]
    public void GivesASentenceOrACorrectLoad(string kind, int seed)
    {
        using var folder = Fixtures.NewFolder();
        var random = new Random(HashOf(kind) + seed);
        string original = Fixtures.Files.ElementAt(random.Next(Fixtures.Files.Count()));
        byte[] bytes = kind switch
        {
            "hostile" => Hostile(random, seed, folder["ran"]),
            "header" => Header(random),
            _ => Mutate(kind, random, File.ReadAllBytes(Fixtures.PathOf(original))),
        };
        string path = folder.Write("mutated.pth", bytes);
        var loaded = Measured.Load(path);
        Assert.False(File.Exists(folder["ran"]), "the file ran code");
        if (kind == "hostile")
            Assert.Contains("does not run", loaded.Sentence);
        // Every byte of a zip that matters has a checksum; what still loads is what was saved.
        if (loaded.Tensors is not null && kind is "bits" or "number" or "truncation" && ZipBytes(bytes))
        {
            Assert.Equal(Measured.Load(Fixtures.PathOf(original)).Tensors, loaded.Tensors);
        }
    }

    [Fact]
    public void TheFilesThemselvesLoad()
    {
        foreach (string name in Fixtures.Files)
            Assert.Null(Measured.Load(Fixtures.PathOf(name)).Sentence);
    }

    private static byte[] Mutate(string kind, Random random, byte[] bytes)
    {
        switch (kind)
        {
            case "bits":
                for (int i = 1 << random.Next(5); i > 0; i--)
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                return bytes;
            case "truncation":
                return bytes[..random.Next(bytes.Length)];
            case "splice":
                int from = random.Next(bytes.Length),
                    to = random.Next(bytes.Length),
                    length = random.Next(1, 1 + Math.Min(64, bytes.Length - Math.Max(from, to)));
                bytes.AsSpan(from, length).ToArray().CopyTo(bytes, to);
                return random.Next(2) == 0 ? bytes : [.. bytes[..to], .. bytes[(to + length)..]];
            default:
                // Numbers that lengths, counts and offsets should not be, at the places where the formats keep theirs
                // or anywhere.
                ulong[] numbers =
                [
                    0,
                    1,
                    0x7f,
                    0xff,
                    0xffff,
                    0x7fffffff,
                    0x80000000,
                    0xffffffff,
                    long.MaxValue,
                    1UL << 63,
                    ulong.MaxValue,
                    (ulong)bytes.Length,
                    (ulong)bytes.Length + 1,
                    (ulong)random.Next(bytes.Length),
                ];
                var number = new byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(number, numbers[random.Next(numbers.Length)]);
                number
                    .AsSpan(0, 1 << random.Next(4))
                    .CopyTo(bytes.AsSpan(Place(random, bytes) is var at && at + 8 <= bytes.Length ? at : 0));
                return bytes;
        }
    }

    private static int Place(Random random, byte[] bytes)
    {
        byte[][] marks =
        [
            [(byte)'P', (byte)'K', 1, 2],
            [(byte)'P', (byte)'K', 3, 4],
            [(byte)'P', (byte)'K', 5, 6],
            [(byte)'P', (byte)'K', 6, 6],
            [(byte)'X'],
            [0x8a],
            [(byte)'K'],
            [(byte)'J'],
            [(byte)'q'],
        ];
        byte[] mark = marks[random.Next(marks.Length)];
        var places = Enumerable
            .Range(0, bytes.Length - mark.Length)
            .Where(i => bytes.AsSpan(i, mark.Length).SequenceEqual(mark))
            .ToList();
        return random.Next(4) == 0 || places.Count == 0
            ? random.Next(bytes.Length)
            : places[random.Next(places.Count)] + (mark.Length == 4 ? random.Next(4, 46) : 1);
    }

    private static byte[] Hostile(Random random, int seed, string marker)
    {
        var pickle = Hostility.Pickle(
            Hostility.Forms[seed % Hostility.Forms.Length],
            Hostility.Names[random.Next(Hostility.Names.Length)],
            marker
        );
        return random.Next(2) == 0 ? pickle.Zip() : pickle.Stream();
    }

    private static byte[] Header(Random random)
    {
        string[] numbers =
        [
            "0",
            "1",
            "2",
            "4",
            "8",
            "-1",
            "4294967296",
            "9223372036854775807",
            "18446744073709551615",
            "1e3",
            "null",
            "\"2\"",
            "[]",
            "{}",
        ];
        string[] types = ["F32", "F64", "BF16", "U8", "BOOL", "C64", "", "\\u0000"];
        string Number() => numbers[random.Next(random.Next(2) == 0 ? 5 : numbers.Length)];
        string Numbers(int count) => string.Join(',', Enumerable.Range(0, count).Select(_ => Number()));
        string Entry(int i) =>
            $"\"t{(random.Next(6) == 0 ? 0 : i)}\":{{\"dtype\":\""
            + $"{types[random.Next(types.Length)]}\",\"shape\":["
            + $"{Numbers(random.Next(4))}],\"data_offsets\":[{Numbers(random.Next(8) == 0 ? 3 : 2)}]}}";
        string json = $"{{{string.Join(',', Enumerable.Range(0, random.Next(1, 4)).Select(Entry))}}}";
        if (random.Next(6) == 0)
            json = json[..random.Next(json.Length)] + new string('[', random.Next(200));
        long length = random.Next(6) == 0 ? random.NextInt64() >> random.Next(64) : json.Length;
        return
        [
            .. BitConverter.GetBytes(length),
            .. System.Text.Encoding.UTF8.GetBytes(json),
            .. new byte[random.Next(4) == 0 ? random.Next(64) : 8],
        ];
    }

    private static bool ZipBytes(byte[] bytes) => bytes.AsSpan().StartsWith("PK\x03\x04"u8);

    // string.GetHashCode differs from process to process.
    private static int HashOf(string kind) => kind.Aggregate(17, (hash, c) => hash * 31 + c) & 0xffffff;
}
