using PatchKit.Cli;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using PatchKit.Tests.Cli;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Data.Sets;

/// <summary>
/// Links to files and folders are followed, never in circles, and no image is taken twice:
/// https://github.com/huggingface/pytorch-image-models/pull/334 and https://github.com/fastai/fastai/pull/2270 follow
/// them, https://github.com/blissd/fotema/issues/444 is an image taken twice.
/// </summary>
public sealed class LinkTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public LinkTests()
    {
        foreach (string part in new[] { "train", "val" })
        foreach (string name in new[] { "a", "b" })
            for (int k = 0; k < 3; k++)
                _scratch.Put($"set/{part}/{name}/{k}.png", Pngs.OfRgb(4, 4, (x, y) => (x, y, k)));
    }

    public void Dispose() => _scratch.Dispose();

    [
        Theory,
        InlineData("a/up", ".."),
        InlineData("b/up", "."),
        InlineData("a/up", "../../.."),
        InlineData("a/other", "../b"),
        InlineData("a/other", "../b/../b")
    ]
    public void ALinkBackIntoTheSetAddsNothingAndChangesNoLabel(string link, string target)
    {
        Link($"set/train/{link}", target);
        var set = new ImageFolder(_scratch["set/train"]);
        Assert.Equal([0, 0, 0, 1, 1, 1], Enumerable.Range(0, set.Count).Select(set.Label));
        Assert.Equal(1, set.LeftOut.Sum(kind => kind.Count));
    }

    [Fact]
    public void AnImageBelongsToTheFolderThatItLiesIn()
    {
        // a, which comes first, only links to it
        Link("set/train/a/z.png", "../b/0.png");
        Link("set/train/b/again.png", "1.png");
        var set = new ImageFolder(_scratch["set/train"]);
        Assert.Equal([0, 0, 0, 1, 1, 1], Enumerable.Range(0, set.Count).Select(set.Label));
        Assert.Equal([("images that links lead to again", 2)], set.LeftOut);
        Assert.Contains(
            "left out, training: 2 images that links lead to again",
            CommandRun.Of(DataCommand.Create(), "info", _scratch["set"]).Output
        );
    }

    [Fact]
    public void LinksOutOfTheSetAreFollowed()
    {
        _scratch.Put("store/x/1.png", Pngs.OfRgb(4, 4, (_, _) => (1, 1, 1)));
        _scratch.Put("store/x/deep/2.png", Pngs.OfRgb(4, 4, (_, _) => (1, 1, 2)));
        _scratch.Put("store/3.png", Pngs.OfRgb(4, 4, (_, _) => (1, 1, 3)));
        Link("set/train/a/more", _scratch["store/x"]);
        Link("set/train/b/3.png", "../../../store/3.png");
        // a class folder that is a link comes before links within one
        Link("set/train/c", _scratch["store/x"]);
        var set = new ImageFolder(_scratch["set/train"]);
        Assert.Equal([0, 0, 0, 1, 1, 1, 1, 2, 2], Enumerable.Range(0, set.Count).Select(set.Label));
        Assert.Equal([("folders that links lead to again", 1)], set.LeftOut);
        using var image = set.Read(6);
        Assert.Equal(3, image.Pixels[2]);
    }

    [Fact]
    public void LinksThatLeadNowhereAreSaidWhereTheyAreRead()
    {
        Link("set/train/a/circle.png", "circle.png");
        Link("set/train/a/gone.png", "nowhere.png");
        var set = new ImageFolder(_scratch["set/train"]);
        Assert.Equal(8, set.Count);
        Expect.Refused<ImageException>(() => set.Read(3), "circle.png");
        Expect.Refused<ImageException>(() => set.Read(4), "gone.png", "does not exist");
    }

    [Fact]
    public void AClassOfNothingButLinksBackIsRefused()
    {
        Link("set/train/up", "..");
        Expect.Refused<ImageException>(
            () => new ImageFolder(_scratch["set/train"]),
            "up",
            "has no image of its own",
            "1 links to folders that they lie in"
        );
    }

    private void Link(string name, string target) => File.CreateSymbolicLink(_scratch[name], target);
}
