using PatchKit.Cli;
using Xunit;

namespace PatchKit.Tests.Cli;

/// <summary>The command as a whole.</summary>
public sealed class ProgramTests
{
    [Theory, InlineData("patchkit [command] [options]"), InlineData("patchkit models [options]", "models")]
    public void HelpNamesTheCommandAsItIsTyped(string usage, params string[] command)
    {
        var output = Console.Out;
        using var written = new StringWriter();
        Console.SetOut(written);
        try
        {
            Assert.Equal(
                0,
                typeof(ModelsCommand).Assembly.EntryPoint!.Invoke(null, [command.Append("--help").ToArray()])
            );
        }
        finally
        {
            Console.SetOut(output);
        }
        Assert.Contains($"  {usage}\n", written.ToString());
    }
}
