using PatchKit.Checkpoints;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Checkpoints;

/// <summary>Finding a model's tensors in a file, and loading them with what they share.</summary>
public class CheckpointFileTests
{
    [Theory]
    [InlineData("training.pth", null, "0.weight")]
    [InlineData("training.pth", "model_ema", "0.weight")]
    [InlineData("training.pth", "optimizer", "state.0.step")]
    [InlineData("training.pth", "optimizer.state.4", "step")]
    [InlineData("training.pth", "", "model.0.weight")]
    [InlineData("plain.pth", null, "0.weight")]
    [InlineData("module.pth", null, "0.weight")]
    [InlineData("module_legacy.pth", "", "0.weight")]
    [InlineData("values.pth", "nested", "0.0.a")]
    [InlineData("tensor.pth", null, "tensor")]
    [InlineData("small.safetensors", null, "b")]
    public void FindsTheTensors(string name, string? key, string first)
    {
        using var file = CheckpointFile.Open(Fixtures.PathOf(name));
        Assert.Equal(first, file.Tensors(key).Keys.First());
    }

    [Theory]
    [InlineData("model_emma", "has nothing under \"model_emma\"", "\"model_ema\"")]
    [InlineData("model.9.weight", "has nothing under")]
    [InlineData("optimizer.", "has nothing under")]
    [InlineData("args", "holds no tensors under \"args\"")]
    public void SaysWhatIsThereInstead(string key, params string[] words)
    {
        using var file = CheckpointFile.Open(Fixtures.PathOf("training.pth"));
        Expect.Refused<CheckpointException>(() => file.Tensors(key), [.. words, "training.pth"]);
    }

    [Fact]
    public void ReadsTheValuesBesideTheTensors()
    {
        using var file = CheckpointFile.Open(Fixtures.PathOf("training.pth"));
        Assert.Equal(7L, file.Value("epoch"));
        Assert.Equal("adventurer_tiny_patch16_224", Assert.IsType<PickleRecord>(file.Value("args"))["model"]);
        Assert.Null(file.Value("epochs"));
        Expect.Refused<KeyNotFoundException>(() => _ = ((PickleRecord)file.Value("args")!)["rate"], "rate", "lr");
    }

    [Theory]
    [InlineData("views.pth")]
    [InlineData("views_legacy.pth")]
    public void TensorsThatSharedMemoryShareIt(string name)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors;
        using (var file = CheckpointFile.Open(Fixtures.PathOf(name)))
            tensors = file.StateDict();
        tensors["base"].fill_(9);
        foreach (
            string view in (string[])
                ["again", "transposed", "row", "column", "stepped", "inner", "diagonal", "permuted", "one"]
        )
            Assert.True(tensors[view].eq(9).all().item<bool>(), view);
        Expect.Is("[5, 6]", tensors["alone"]);
        Expect.Is("[[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]", tensors["windows"]);
    }

    [Fact]
    public void ATensorLoadedAloneIsItsOwn()
    {
        using var scope = NewDisposeScope();
        using var file = CheckpointFile.Open(Fixtures.PathOf("views.pth"));
        var tensors = file.Tensors();
        Tensor row = tensors["row"].Load(),
            whole = tensors["base"].Load();
        whole.fill_(9);
        Expect.Is("[12, 13, 14, 15, 16, 17]", row);
    }

    [Fact]
    public void LoadingLeavesNothingBehind()
    {
        long before = Engine.LiveTensors;
        using (var file = CheckpointFile.Open(Fixtures.PathOf("views.pth")))
        {
            var tensors = file.StateDict();
            Assert.Equal(before + 13, Engine.LiveTensors);
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
            foreach (var tensor in file.Tensors().Values)
                tensor.Load().Dispose();
        }
        Assert.Equal(before, Engine.LiveTensors);
    }

    [Fact]
    public void AClosedFileSaysSo()
    {
        var file = CheckpointFile.Open(Fixtures.PathOf("plain.pth"));
        var tensor = file.Tensors()["0.weight"];
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(tensor.Load);
    }

    [Fact]
    public void SaysWhatAnotherFileIs()
    {
        using var folder = Fixtures.NewFolder();
        Refused("empty.pth", "", "is empty");
        Refused("page.pth", "\n<!DOCTYPE html><html>", "is a web page");
        Refused("pointer.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00", "git lfs pull");
        Refused("text.pth", "hello", "begin with 68656C6C6F");
        Refused("pickle.pkl", "\u0080\u0002}q\0.", "torch.save did not write");
        Refused("weights.pth.gz", "\u001f\u008b\u0008", "gzip -d");
        Expect.Refused<CheckpointException>(
            () => CheckpointFile.Open(folder["absent.pth"]),
            folder["absent.pth"],
            "does not exist"
        );
        Expect.Refused<CheckpointException>(
            () => CheckpointFile.Open(Path.GetDirectoryName(folder["x"])!),
            "is a folder"
        );
        Expect.Refused<CheckpointException>(
            () => TorchCheckpoint.Open(Fixtures.PathOf("small.safetensors")),
            "was not written by torch.save"
        );

        void Refused(string name, string content, string words) =>
            Expect.Refused<CheckpointException>(
                () => CheckpointFile.Open(folder.Write(name, System.Text.Encoding.Latin1.GetBytes(content))),
                folder[name],
                words
            );
    }

    [Fact]
    public void AnotherChecksumIsDamageUnlessItIsNotAsked()
    {
        using var folder = Fixtures.NewFolder();
        byte[] bytes = File.ReadAllBytes(Fixtures.PathOf("tensor.pth"));
        bytes[bytes.AsSpan().IndexOf(BitConverter.GetBytes(3f))] ^= 1;
        string path = folder.Write("tensor.pth", bytes);
        using var file = CheckpointFile.Open(path);
        Expect.Refused<CheckpointException>(() => file.StateDict(), "storage 0 with checksum", "verify: false");
        using var unverified = CheckpointFile.Open(path, verify: false);
        using var tensor = unverified.Tensors()["tensor"].Load();
        Assert.Equal([0, 1, 2], tensor.data<float>().ToArray()[..3]);
    }
}
