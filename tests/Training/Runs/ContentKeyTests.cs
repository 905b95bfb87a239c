using PatchKit.Data.Images;
using PatchKit.Data.Packed;
using PatchKit.Data.Sets;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Torch;
using PatchKit.Training;
using Xunit;

namespace PatchKit.Tests.Training.Runs;

/// <summary>
/// A run is found again by what is in its files, not by their names and sizes: relabelled data were answered from a
/// cache at https://github.com/ultralytics/yolov5/issues/306 and https://github.com/ultralytics/ultralytics/pull/26207.
/// </summary>
[Trait("speed", "seconds")]
public sealed class ContentKeyTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory, InlineData("train/a/0.png"), InlineData("val/b/1.png")]
    public void AnEditedImageIsAnotherSet(string edited)
    {
        Folders();
        string before = Images();
        Assert.Equal(before, Images());
        Edit($"set/{edited}");
        string after = Images();
        Assert.NotEqual(before, after);
        Edit($"set/{edited}"); // back again
        Assert.Equal(before, Images());
    }

    [Fact]
    public void LabelsThatChangePlacesAreAnotherSet()
    {
        Folders();
        string before = Images();
        File.Move(_scratch["set/train/a/0.png"], _scratch["aside"]);
        File.Move(_scratch["set/train/b/0.png"], _scratch["set/train/a/0.png"]);
        File.Move(_scratch["aside"], _scratch["set/train/b/0.png"]); // two files of one size, exchanged
        Assert.NotEqual(before, Images());
    }

    [
        Theory,
        InlineData("annotations/training/0.png"),
        InlineData("annotations/validation/0.png"),
        InlineData("images/training/0.png")
    ]
    public void ARelabelledMapIsAnotherSet(string edited)
    {
        foreach (string part in new[] { "training", "validation" })
        {
            _scratch.Put($"seg/images/{part}/0.png", Pngs.OfRgb(4, 4, (x, y) => (x, y, 7)));
            _scratch.Put($"seg/annotations/{part}/0.png", Pngs.OfGrey(4, 4, (x, _) => 1 + x / 2));
        }
        _scratch.Put("seg/objectInfo.txt", "1 a\n2 b\n");
        string before = SegmentationDataConfig.In(_scratch["seg"], (4, 4)).Fingerprint;
        Edit($"seg/{edited}");
        Assert.NotEqual(before, SegmentationDataConfig.In(_scratch["seg"], (4, 4)).Fingerprint);
    }

    [
        Theory,
        InlineData("[[1,1,3,1,3,3,1,3]]", "[[1,1,3,1,3,4,1,4]]"),
        InlineData("{\"size\":[8,8],\"counts\":[9,2,53]}", "{\"size\":[8,8],\"counts\":[8,3,53]}")
    ]
    public void ARedrawnMaskIsAnotherSet(string mask, string redrawn)
    {
        string Fingerprint(string segmentation)
        {
            foreach (string part in new[] { "train2017", "val2017" })
            {
                _scratch.Put($"coco/{part}/a.png", Pngs.OfRgb(8, 8, (_, _) => (9, 9, 9)));
                _scratch.Put(
                    $"coco/annotations/instances_{part}.json",
                    $$"""
                    {"images": [{"id": 1, "width": 8, "height": 8, "file_name": "a.png"}],
                     "categories": [{"id": 1, "name": "dot"}],
                     "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "area": 4, "bbox": [1, 1, 2, 2],
                       "segmentation": {{segmentation}}}]}
                    """
                );
            }
            return CocoDataConfig.In(_scratch["coco"]).Fingerprint;
        }
        string before = Fingerprint(mask);
        Assert.NotEqual(before, Fingerprint(redrawn));
        Assert.Equal(before, Fingerprint(mask));
        Edit("coco/train2017/a.png");
        Assert.NotEqual(before, CocoDataConfig.In(_scratch["coco"]).Fingerprint);
    }

    [Fact]
    public void AnEditedShardIsNoLongerTheSet()
    {
        Folders();
        foreach (string part in new[] { "train", "val" })
            new PackedSetWriter(4).Write(
                new ImageFolder(_scratch[$"set/{part}"]),
                _scratch[$"packed/{part}"],
                cancellation: TestContext.Current.CancellationToken
            );
        using (var opened = DataFolder.Open(_scratch["packed"]))
            Assert.Equal(16, opened.Fingerprint.Length);
        Edit("packed/train/shard-00000.bin");
        using var edited = DataFolder.Open(_scratch["packed"]);
        Expect.Refused<ImageException>(() => _ = edited.Fingerprint, "shard-00000.bin", "checksum");
    }

    // A hash is kept beside size and times: what is kept is believed, and a file that changed is read.
    [Fact]
    public void AFileIsReadOnce()
    {
        Folders();
        foreach (string file in Directory.EnumerateFiles(_scratch["set"], "*", SearchOption.AllDirectories))
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-1));
        string before = Images(),
            cache = Path.Combine(Environment.GetEnvironmentVariable("PATCHKIT_CACHE")!, "hashes");
        string kept = Directory
            .EnumerateFiles(cache)
            .Single(path => File.ReadAllText(path).Contains(_scratch["set/train"]));
        string line = File.ReadLines(kept).First(entry => entry.EndsWith("train/a/0.png", StringComparison.Ordinal));
        File.WriteAllText(kept, File.ReadAllText(kept).Replace(line[..64], new string('0', 64)));
        Assert.NotEqual(before, Images());
        File.WriteAllText(kept, "no line is whole here\n");
        Assert.Equal(before, Images());
    }

    [Fact]
    public void ALargeSetSaysWhatItsFirstFingerprintCosts()
    {
        List<string> told = [];
        var said = FileHashes.Say;
        try
        {
            FileHashes.Say = told.Add;
            using (var sparse = File.Create(_scratch["large"]))
                sparse.SetLength(1100L << 20);
            File.SetLastWriteTimeUtc(_scratch["large"], DateTime.UtcNow.AddHours(-1));
            Assert.Equal(
                FileHashes.Of(_scratch["."], [_scratch["large"]]),
                FileHashes.Of(_scratch["."], [_scratch["large"]])
            );
        }
        finally
        {
            FileHashes.Say = said;
        }
        Assert.Contains("1 files, 1.2 GB, are read once", told.First());
        Assert.Single(told, line => line.Contains("read once"));
    }

    private void Folders()
    {
        foreach (string part in new[] { "train", "val" })
        foreach (var (i, name) in new[] { "a", "b" }.Index())
            for (int k = 0; k < 2; k++)
                _scratch.Put($"set/{part}/{name}/{k}.png", Pngs.OfRgb(4, 4, (x, y) => (80 * i, x, y)));
    }

    private string Images() => ImageDataConfig.In(_scratch["set"], 4).Fingerprint;

    // One bit of the last byte but 20, so that name and size stay.
    private void Edit(string file)
    {
        byte[] bytes = File.ReadAllBytes(_scratch[file]);
        bytes[^20] ^= 1;
        File.WriteAllBytes(_scratch[file], bytes);
    }
}
