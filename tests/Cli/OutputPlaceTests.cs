using PatchKit.Cli;
using PatchKit.Data.Images;
using Xunit;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Cli;

/// <summary>
/// Where results cannot be put, no work is done for them: the inputs named here do not even exist, and the output is
/// complained of first. https://github.com/nteract/papermill/issues/201 (an output folder that does not exist).
/// </summary>
public sealed class OutputPlaceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-public-").FullName;

    public OutputPlaceTests()
    {
        File.WriteAllText(In("file"), "a file");
        Directory.CreateDirectory(In("folder"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ACheckpointsTargetIsAFile()
    {
        Refused("is a folder, where a file is wanted", ConvertCommand.Create(), In("none.pth"), In("folder"));
        Refused(
            "is a folder, where a file is wanted",
            ConvertCommand.Create(),
            In("none.pth"),
            In("folder"),
            "--force"
        );
        Refused("which does not exist", ConvertCommand.Create(), In("none.pth"), In("none/a.safetensors"));
    }

    [Theory, InlineData("file", "is a file, where a folder is wanted"), InlineData("file/below", "would be below")]
    public void AFolderIsNoFile(string place, string words)
    {
        Refused(
            words,
            PredictCommand.Create(),
            "--task",
            "segmentation",
            "--out",
            In(place),
            "--runs",
            In("none"),
            In("none.png")
        );
        Refused(
            words,
            PredictCommand.Create(),
            "--task",
            "detection",
            "--out",
            In(place),
            "--runs",
            In("none"),
            In("none.png")
        );
        Refused(words, RecordCommand.Create(), "table1", "--out", In(place), "--runs", In("none"));
        Refused(words, DataCommand.Create(), "pack", In("none"), "--size", "8", "--out", In(place));
        Refused(words, TrainCommand.Create(), "--recipe", "smoke", "--out", In(place));
        Refused(words, RunCommand.Create(), "table1", "--scale", "smoke", "--out", In(place));
    }

    [Fact]
    public void APackedSetsFolderIsNew() =>
        Expect.Refused<ImageException>(
            () => CommandRun.Of(DataCommand.Create(), "pack", In("none"), "--size", "8", "--out", In("folder")),
            "exists already"
        );

    /// <summary>Nothing is left of the asking.</summary>
    [Fact]
    public void AskingLeavesNothing()
    {
        OutputPlace.Folder(In("folder/new"), "--out");
        OutputPlace.File(In("folder/a.safetensors"), "the target");
        Assert.Empty(Directory.EnumerateFileSystemEntries(In("folder")));
    }

    [Fact]
    public void WhatATaskDoesNotWriteIsNotTakenInSilence()
    {
        using var vit = new OwnVit(new() { PatchSize = 8 });
        Expect.Refused<ArgumentException>(
            () => vit.Predict(vit.Write("plain.safetensors"), "--out", In("folder")),
            "--out is of --task segmentation and detection"
        );
    }

    private string In(string name) => Path.Combine(_folder, name);

    private static void Refused(string words, System.CommandLine.Command command, params string[] arguments) =>
        Expect.Refused<ArgumentException>(() => CommandRun.Of(command, arguments), words);
}
