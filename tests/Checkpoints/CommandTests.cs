using System.CommandLine;
using PatchKit.Checkpoints;
using PatchKit.Cli;
using Spectre.Console;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Checkpoints;

/// <summary>`patchkit inspect` and `patchkit convert`.</summary>
public class CommandTests
{
    [Fact]
    public void InspectListsTensorsAndValues()
    {
        string text = Run(InspectCommand.Create(), Fixtures.PathOf("training.pth"));
        string[] lines = text.Split('\n');
        Assert.Contains(lines, line => Words(line) is ["model.0.weight", "float32", "(4,", "3)", "48"]);
        Assert.Contains(lines, line => Words(line) is ["args.seed", "1099511627776"]);
        Assert.Contains(lines, line => Words(line) is ["args.crop", "[224,", "224]"]);
        Assert.Contains("PyTorch zip", lines[^2]);
        Assert.Contains("31 tensors", lines[^2]);
        text = Run(InspectCommand.Create(), Fixtures.PathOf("views.pth"));
        Assert.Contains(
            text.Split('\n'),
            line => Words(line) is ["transposed", "float32", "(6,", "4)", "96", "shared", "with", "base"]
        );
    }

    [Fact]
    public void InspectBreaksNoLineAndObeysNoEscape()
    {
        using var folder = Fixtures.NewFolder();
        string name = string.Join('.', Enumerable.Repeat("a-long-name", 9)) + "\u001b[31m[red]";
        using var tensor = ones(1);
        Safetensors.Write(folder["w.safetensors"], [KeyValuePair.Create(name, tensor)]);
        string text = Run(InspectCommand.Create(), folder["w.safetensors"]);
        Assert.DoesNotContain('\u001b', text);
        Assert.Contains(
            text.Split('\n'),
            line => line.Contains(name.Replace("\u001b", "\\x1b", StringComparison.Ordinal)) && line.Contains("float32")
        );
    }

    [Theory]
    [InlineData("training.pth", null, 8)]
    [InlineData("training_legacy.pth", "model_ema", 8)]
    [InlineData("training.pth", "", 31)]
    [InlineData("dtypes.pth", null, 15)]
    [InlineData("small.safetensors", null, 3)]
    public void ConvertKeepsEveryTensor(string name, string? key, int count)
    {
        using var scope = NewDisposeScope();
        using var folder = Fixtures.NewFolder();
        string target = folder["out.safetensors"],
            text = Run(
                ConvertCommand.Create(),
                [Fixtures.PathOf(name), target, .. key is null ? Array.Empty<string>() : ["--key", key]]
            );
        Assert.Contains($"{count} tensors", text);
        using var source = CheckpointFile.Open(Fixtures.PathOf(name));
        Dictionary<string, Tensor> expected = source.StateDict(key),
            converted = Safetensors.Read(target);
        Assert.Equal(expected.Keys.Order(), converted.Keys.Order());
        foreach (var (tensorName, tensor) in expected)
            Expect.SameBits(tensor, converted[tensorName]);
    }

    [Fact]
    public void ConvertSaysWhatIsSharedAndReplacesOnlyByForce()
    {
        using var folder = Fixtures.NewFolder();
        string source = Fixtures.PathOf("views.pth"),
            target = folder["out.safetensors"];
        Assert.Contains("note: base and again and transposed", Run(ConvertCommand.Create(), source, target));
        Expect.Refused<CheckpointException>(() => Run(ConvertCommand.Create(), source, target), target, "--force");
        Run(ConvertCommand.Create(), source, target, "--force");
        Assert.Equal(["out.safetensors"], folder.Names);
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string Run(Command command, params string[] arguments)
    {
        var (console, output) = (AnsiConsole.Console, Console.Out);
        var writer = new StringWriter();
        try
        {
            Console.SetOut(writer);
            AnsiConsole.Console = AnsiConsole.Create(
                new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer), Ansi = AnsiSupport.No }
            );
            Assert.Equal(
                0,
                command.Parse(arguments).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false })
            );
            return writer.ToString();
        }
        finally
        {
            Console.SetOut(output);
            AnsiConsole.Console = console;
        }
    }
}
