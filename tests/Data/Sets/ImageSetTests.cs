using PatchKit.Data;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using PatchKit.Tests.Data.Images;
using Xunit;

namespace PatchKit.Tests.Data.Sets;

/// <summary>Folders of images and CIFAR files: what they list, and what they refuse.</summary>
[Trait("speed", "seconds")]
public sealed class ImageSetTests : IDisposable
{
    private readonly string _folder = ImageFiles.Scratch();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void FolderListsClassesAndImagesInOrder()
    {
        Put("zebra/b.PNG", "colour.png");
        Put("zebra/a.jpg", "grey.jpg");
        Put("ant/deep/x.jpeg", "progressive.jpg");
        Put("ant/notes.txt", "make.py");
        Put(".cache/x.png", "colour.png");
        var set = new ImageFolder(_folder);
        Assert.Equal(["ant", "zebra"], set.Classes);
        Assert.Equal(
            ["ant/deep/x.jpeg", "zebra/a.jpg", "zebra/b.PNG"],
            Enumerable.Range(0, set.Count).Select(i => Path.GetRelativePath(_folder, set.Name(i)))
        );
        Assert.Equal([0, 1, 1], Enumerable.Range(0, set.Count).Select(set.Label));
        using var image = set.Read(2);
        Assert.Equal((33, 29), (image.Width, image.Height));
    }

    [Fact]
    public void FolderRefusesMissingAndUnknownClasses()
    {
        Put("ant/x.png", "colour.png");
        Put("bee/x.png", "colour.png");
        Assert.Contains(
            "lacks cat of the 3 class folders",
            Refused(() => new ImageFolder(_folder, ["ant", "bee", "cat"]))
        );
        Assert.Contains("has bee beside the 1 known classes", Refused(() => new ImageFolder(_folder, ["ant"])));
        Assert.Contains("does not exist", Refused(() => new ImageFolder(_folder + "-none")));
        Assert.Contains("has no subfolders", Refused(() => new ImageFolder(Path.Combine(_folder, "ant"))));
        Directory.CreateDirectory(Path.Combine(_folder, "empty"));
        Assert.Contains("empty has no image of its own", Refused(() => new ImageFolder(_folder)));
    }

    [Fact]
    public void ImageNetSaysHowManyClassesAreThere()
    {
        Put("val/n01440764/x.png", "colour.png");
        Assert.Contains(
            "has 1 class folders, but ImageNet-1k has 1,000",
            Refused(() => ImageNet.Open(_folder, DataSplit.Test))
        );
        Assert.Equal(1, ImageNet.Open(_folder, DataSplit.Validation, complete: false).Count);
    }

    [Fact]
    public void BadSamplesStopOrAreCountedByName()
    {
        var failure = new ImageException("a/b.jpg", "is truncated.");
        Assert.Contains(
            "a/b.jpg is truncated. Use --on-bad-sample skip",
            Refused(() => new BadSamples().Report(failure))
        );
        var skip = new BadSamples(BadSample.Skip);
        List<string> told = [];
        skip.Skipped += bad => told.Add(bad.Path);
        skip.Report(failure);
        skip.Report(failure);
        Assert.Equal(1, skip.Count);
        Assert.Equal(["a/b.jpg"], told);
        Assert.Equal("1 file was left out: a/b.jpg is truncated.", skip.ToString());
    }

    [Fact]
    public void CifarReadsBothLayouts()
    {
        var random = new Random(3);
        var ten = new byte[3 * 3073];
        random.NextBytes(ten);
        (ten[0], ten[3073], ten[6146]) = (9, 0, 4);
        File.WriteAllBytes(Path.Combine(_folder, "cifar10_train_3.bin"), ten);
        File.WriteAllBytes(Path.Combine(_folder, "cifar10_test_3.bin"), ten);
        Assert.True(Cifar.IsIn(_folder));
        var set = Cifar.Open(_folder, DataSplit.Training);
        Assert.Equal(
            (3, "truck", "airplane", "deer"),
            (set.Count, set.Classes[set.Label(0)], set.Classes[set.Label(1)], set.Classes[set.Label(2)])
        );
        using var image = set.Read(1);
        Assert.Equal([ten[3074], ten[3074 + 1024], ten[3074 + 2048]], image.Pixels[..3].ToArray());
        Assert.Equal(ten[3074 + 33], image.Row(1)[3]);

        var hundred = new byte[2 * 3074];
        (hundred[1], hundred[3075]) = (99, 7);
        File.WriteAllBytes(Path.Combine(_folder, "train.bin"), hundred);
        Assert.Equal(99, new Cifar([Path.Combine(_folder, "train.bin")], fine: true).Label(0));
    }

    [Fact]
    public void CifarRefusesCutAndForeignFiles()
    {
        string path = Path.Combine(_folder, "data_batch_1.bin");
        File.WriteAllBytes(path, new byte[5000]);
        Assert.Contains(
            "has 5,000 bytes unpacked, which is no whole number of CIFAR records of 3,073",
            Refused(() => new Cifar([path]))
        );
        var foreign = new byte[2 * 3073];
        foreign[3073] = 10;
        File.WriteAllBytes(path, foreign);
        Assert.Contains("has the label 10 at image 1, but there are 10 classes", Refused(() => new Cifar([path])));
        File.WriteAllText(path + ".xz", "this is no xz file");
        Assert.Contains("could not be unpacked", Refused(() => new Cifar([path + ".xz"])));
        Assert.Contains("has no CIFAR files", Refused(() => Cifar.Open(ImageFiles.Folder, DataSplit.Test)));
    }

    [Fact]
    public void CifarReadsThePackedSubsetWhereItIs()
    {
        string shared = Path.Combine(ImageFiles.Folder, "../../../../shared/data");
        Assert.SkipUnless(Cifar.IsIn(shared), "shared/data is not on this machine");
        var test = Cifar.Open(shared, DataSplit.Test);
        Assert.Equal((5000, 10), (test.Count, test.Classes.Count));
        Assert.Equal(10, Enumerable.Range(0, test.Count).Select(test.Label).Distinct().Count());
    }

    private static string Refused(Action call) => Assert.Throws<ImageException>(call).Message;

    private void Put(string to, string fixture)
    {
        string path = Path.Combine(_folder, to);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Copy(Path.Combine(ImageFiles.Folder, fixture), path);
    }
}
