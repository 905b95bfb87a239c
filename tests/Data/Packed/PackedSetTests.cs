using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Packed;
using PatchKit.Data.Sets;
using PatchKit.Tests.Data.Images;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Data.Packed;

/// <summary>Packing and reading back; what is refused.</summary>
public sealed class PackedSetTests : IDisposable
{
    private const int Size = 20;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private readonly string _folder = ImageFiles.Scratch(),
        _packed;
    private readonly ImageFolder _source;

    public PackedSetTests()
    {
        string[] fixtures =
        [
            "colour.png",
            "progressive.jpg",
            "grey.jpg",
            "cmyk.jpg",
            "palette_4.png",
            "orientation_6.jpg",
            "interlaced.png",
        ];
        foreach (string fixture in fixtures)
        {
            string folder = Path.Combine(_folder, "in", fixture.EndsWith("png") ? "drawn" : "taken");
            Directory.CreateDirectory(folder);
            File.Copy(Path.Combine(ImageFiles.Folder, fixture), Path.Combine(folder, fixture));
        }
        (_source, _packed) = (new ImageFolder(Path.Combine(_folder, "in")), Path.Combine(_folder, "packed"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, InlineData(1), InlineData(3)]
    public void ComesBackAsResized(int threads)
    {
        Assert.Equal(
            7,
            new PackedSetWriter(Size) { ShardBytes = 3 * 3 * Size * Size, Threads = threads }.Write(
                _source,
                _packed,
                cancellation: Stop
            )
        );
        Assert.Equal(3, Directory.GetFiles(_packed, "shard-*.bin").Length);
        using var set = new PackedSet(_packed, verify: true);
        Assert.Equal((7, Size), (set.Count, set.Size));
        Assert.Equal(["drawn", "taken"], set.Classes);
        for (int i = 0; i < set.Count; i++)
        {
            using var original = _source.Read(i);
            using var expected = new EvalCrop(Size, 1).Apply(original);
            using var actual = set.Read(i);
            Assert.True(expected.Pixels.SequenceEqual(actual.Pixels), $"image {i}");
            Assert.Equal(_source.Label(i), set.Label(i));
        }
        using var batch = set.ReadBatch([6, 0]);
        Assert.Equal((ScalarType.Byte, 2L), (batch.Images.dtype, batch.Images.shape[0]));
        Assert.True(batch.Images.bytes[..set.Planes(6).Length].SequenceEqual(set.Planes(6)));
        Assert.Equal([1L, 0L], batch.Labels.data<long>().ToArray());
    }

    [Fact]
    public void DamageIsRefusedByName()
    {
        new PackedSetWriter(Size).Write(_source, _packed, cancellation: Stop);
        string shard = Path.Combine(_packed, "shard-00000.bin"),
            labels = Path.Combine(_packed, "labels.bin"),
            index = Path.Combine(_packed, "index.json");
        byte[] pixels = File.ReadAllBytes(shard);

        File.WriteAllBytes(shard, pixels[..^1]);
        Assert.StartsWith($"{shard} has 8,399 bytes, but index.json says 8,400", Refused(false));
        pixels[1234] ^= 1;
        File.WriteAllBytes(shard, pixels);
        Assert.StartsWith($"{shard} differs from its checksum", Refused(true));
        File.Delete(shard);
        Assert.StartsWith($"{shard} does not exist", Refused(false));
        File.WriteAllBytes(labels, new byte[28]);
        Assert.StartsWith($"{labels} has 28 bytes", Refused(false));
        File.WriteAllText(index, File.ReadAllText(index).Replace("\"count\": 7", "\"count\": 8"));
        Assert.Contains("does not add up", Refused(false));
        File.WriteAllText(index, "{");
        Assert.StartsWith($"{index} is no index of a packed set", Refused(false));
        File.Delete(index);
        Assert.Contains("patchkit data pack", Refused(false));
    }

    [Fact]
    public void BadFilesAndExistingFolders()
    {
        File.WriteAllText(Path.Combine(_folder, "in", "drawn", "aaa.png"), "no image");
        var source = new ImageFolder(Path.Combine(_folder, "in"));
        Assert.Contains(
            "aaa.png is no JPEG, PNG, WebP, BMP, GIF or TIFF",
            Assert
                .Throws<ImageException>(() => new PackedSetWriter(Size).Write(source, _packed, cancellation: Stop))
                .Message
        );
        Assert.Equal(["in"], Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName));
        var bad = new BadSamples(BadSample.Skip);
        Assert.Equal(7, new PackedSetWriter(Size).Write(source, _packed, bad, cancellation: Stop));
        Assert.Equal(1, bad.Count);
        Assert.Contains(
            "exists already",
            Assert
                .Throws<ImageException>(() => new PackedSetWriter(Size).Write(source, _packed, cancellation: Stop))
                .Message
        );
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            new PackedSetWriter(Size).Write(_source, _packed + "2", cancellation: cancelled.Token)
        );
        Assert.False(Directory.Exists(_packed + "2"));
    }

    private string Refused(bool verify) =>
        Assert.Throws<ImageException>(() => new PackedSet(_packed, verify).Dispose()).Message;
}
