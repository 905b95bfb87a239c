using PatchKit.Data.Packed;
using PatchKit.Data.Sets;
using PatchKit.Tests.Data.Images;
using Xunit;

namespace PatchKit.Tests.Data.Sets;

/// <summary>What DataFolder recognises, and what it says about the rest.</summary>
[Trait("speed", "seconds")]
public sealed class DataFolderTests : IDisposable
{
    private readonly string _folder = ImageFiles.Scratch();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [
        Theory,
        InlineData("", 10, "a part of CIFAR-10"),
        InlineData("cifar-10-batches-bin", 10, "a part of CIFAR-10"),
        InlineData("cifar-100-binary", 100, "a part of CIFAR-100")
    ]
    public void FindsCifarHereAndBelow(string below, int classes, string name)
    {
        Put("train/ant/x.png", "colour.png"); // CIFAR comes before image folders.
        string folder = Directory.CreateDirectory(Path.Combine(_folder, below)).FullName;
        (string training, string test) =
            classes == 10 ? ("data_batch_1.bin", "test_batch.bin") : ("train.bin", "test.bin");
        File.WriteAllBytes(Path.Combine(folder, training), new byte[2 * (classes == 10 ? 3073 : 3074)]);
        File.WriteAllBytes(Path.Combine(folder, test), new byte[classes == 10 ? 3073 : 3074]);
        using var opened = DataFolder.Open(_folder);
        Assert.Equal(
            (name, 2, 1, classes, 32),
            (opened.Name, opened.Training.Count, opened.Test.Count, opened.Test.Classes.Count, opened.NativeSize)
        );
    }

    [
        Theory,
        InlineData("train", "val", "n01440764", "2 classes of ImageNet"),
        InlineData("training", "validation", "n01440764", "an image folder of 2 classes"),
        InlineData("train", "test", "ant", "an image folder of 2 classes")
    ]
    public void FindsImagesByClass(string training, string test, string firstClass, string name)
    {
        PutImages(training, test, firstClass);
        using var opened = DataFolder.Open(_folder);
        Assert.Equal((name, 2, 3, 0), (opened.Name, opened.Training.Count, opened.Test.Count, opened.NativeSize));
        Assert.Equal([firstClass, "n02000000"], opened.Test.Classes);
    }

    [Fact]
    public void FindsPackedSets()
    {
        PutImages("train", "val");
        string packed = Path.Combine(_folder, "packed");
        using (var images = DataFolder.Open(_folder))
        {
            Directory.CreateDirectory(packed);
            new PackedSetWriter(8).Write(
                images.Training,
                Path.Combine(packed, "train"),
                cancellation: TestContext.Current.CancellationToken
            );
            new PackedSetWriter(8).Write(
                images.Test,
                Path.Combine(packed, "val"),
                cancellation: TestContext.Current.CancellationToken
            );
        }
        using var opened = DataFolder.Open(packed);
        Assert.Equal(
            ("a packed set of 2 classes", 2, 3, 8),
            (opened.Name, opened.Training.Count, opened.Test.Count, opened.NativeSize)
        );
        string before = opened.Fingerprint,
            moved = packed + "-moved";
        Directory.Move(packed, moved);
        using var again = DataFolder.Open(moved);
        Assert.Equal(before, again.Fingerprint);
    }

    [Fact]
    public void VerifyNamesWhatCannotBeRead()
    {
        PutImages("train", "val");
        using var opened = DataFolder.Open(_folder);
        Assert.Equal(0, opened.Verify(cancellation: TestContext.Current.CancellationToken).Count);
        string broken = opened.Test.Name(1);
        File.WriteAllText(broken, "no picture");
        Assert.Equal(
            [broken],
            opened.Verify(cancellation: TestContext.Current.CancellationToken).Reasons.Select(file => file.Path)
        );
    }

    [Fact]
    public void FingerprintKnowsContentAndNotPlace()
    {
        PutImages("train", "val");
        string before = Fingerprint(_folder);
        Directory.CreateDirectory(Path.Combine(_folder, "elsewhere"));
        foreach (string part in new[] { "train", "val" })
            Directory.Move(Path.Combine(_folder, part), Path.Combine(_folder, "elsewhere", part));
        Assert.Equal(before, Fingerprint(Path.Combine(_folder, "elsewhere")));
        Put("elsewhere/val/ant/z.jpg", "grey.jpg");
        string more = Fingerprint(Path.Combine(_folder, "elsewhere"));
        File.Copy(
            Path.Combine(ImageFiles.Folder, "progressive.jpg"),
            Path.Combine(_folder, "elsewhere/val/ant/z.jpg"),
            overwrite: true
        );
        Assert.Equal(3, new[] { before, more, Fingerprint(Path.Combine(_folder, "elsewhere")) }.Distinct().Count());
        Assert.Matches("^[0-9a-f]{16}$", before);
    }

    [Fact]
    public void RefusesInASentence()
    {
        Assert.Contains($"{_folder}-none does not exist", Refused(_folder + "-none"));
        Assert.Contains("holds nothing and no folder of training images (train/, training/)", Refused(_folder));
        Put("train/ant/x.png", "colour.png");
        Put("notes.txt", "make.py");
        Assert.Contains("holds notes.txt, train/ and no folder of test images", Refused(_folder));
        Assert.Contains("notes.txt is a file", Refused(Path.Combine(_folder, "notes.txt")));
        Put("val/x.png", "colour.png");
        Assert.Contains("holds x.png, but the images of each class must be in a folder of its own", Refused(_folder));
        Put("val/bee/x.png", "colour.png");
        Assert.Contains("the class ant has training images, but no test images", Refused(_folder));
        Put("train/bee/x.png", "colour.png");
        Put("val/ant/x.png", "colour.png");
        Put("val/cat/x.png", "colour.png");
        Assert.Contains(
            "the class cat has test images, but no training images; both parts must have the same classes "
                + "(2 and 3 were found)",
            Refused(_folder)
        );
    }

    [Fact]
    public void OpensTheSharedSubsetWhereItIs()
    {
        string shared = Path.Combine(ImageFiles.Folder, "../../../../shared/data");
        Assert.SkipUnless(Cifar.IsIn(shared), "shared/data is not on this machine");
        using var opened = DataFolder.Open(shared);
        Assert.Equal(
            ("a part of CIFAR-10", 20_000, 5_000, 32),
            (opened.Name, opened.Training.Count, opened.Test.Count, opened.NativeSize)
        );
    }

    private static string Fingerprint(string folder)
    {
        using var opened = DataFolder.Open(folder);
        return opened.Fingerprint;
    }

    private static string Refused(string path) =>
        Assert.Throws<ArgumentException>(() => DataFolder.Open(path).Dispose()).Message;

    private void PutImages(string training, string test, string firstClass = "ant")
    {
        Put($"{training}/{firstClass}/x.png", "colour.png");
        Put($"{training}/n02000000/y.jpg", "grey.jpg");
        Put($"{test}/{firstClass}/x.png", "colour.png");
        Put($"{test}/{firstClass}/y.png", "colour_16.png");
        Put($"{test}/n02000000/x.jpg", "cmyk.jpg");
    }

    private void Put(string to, string fixture)
    {
        string path = Path.Combine(_folder, to);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Copy(Path.Combine(ImageFiles.Folder, fixture), path);
    }
}
