using System.CommandLine;
using System.CommandLine.Help;
using PatchKit.Cli;
using PatchKit.Tests.Display;
using TorchSharp;
using Xunit;

namespace PatchKit.Tests.Cli;

/// <summary>What `--help` says of every verb: a snapshot, so that a change of a word or a default is seen.</summary>
public sealed class HelpTests
{
    private const int Columns = 110;

    [Fact]
    public void TheHelpIsAsBefore()
    {
        var root = CommandLine.Create();
        var help = root.Options.OfType<HelpOption>().Single();
        ((HelpAction)help.Action!).MaxWidth = Columns;
        var texts = Paths(root).Select(path => CommandRun.Of(root, [.. path, "--help"]).Output.Trim());
        string rule = $"\n\n{new string('-', Columns)}\n\n",
            text = string.Join(rule, texts).Replace("\r", "");
        text = text.Replace(
            $"threads of libtorch [default: {torch.get_num_threads()}]",
            "threads of libtorch [default: this machine's]"
        );
        Samples.IsAsBefore("help.txt", string.Join('\n', text.Split('\n').Select(line => line.TrimEnd())));
    }

    private static IEnumerable<string[]> Paths(Command command, params string[] before) =>
        command.Subcommands.SelectMany(verb => Paths(verb, [.. before, verb.Name])).Prepend(before);
}
