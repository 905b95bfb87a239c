using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace PatchKit.Tests.Notebooks;

/// <summary>The recipes of notebooks/packages.md, section by section, as a reader would run them.</summary>
[Trait("speed", "seconds"), Trait("work", "processes")]
public sealed partial class RecipeTests(NotebookTests.Desk desk) : IClassFixture<NotebookTests.Desk>
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(NotebookTests.Folder, "packages.md"))
        .ReplaceLineEndings("\n");

    public static TheoryData<string> Sections =>
        [.. s_page.Split("\n## ").Skip(1).Select(section => section.Split('\n')[0])];

    [Theory, MemberData(nameof(Sections))]
    public void ASectionRunsByItself(string section)
    {
        Assert.SkipUnless(File.Exists(NotebookTests.Desk.Kernel), "bin/csnotebook is built by environment/setup.sh");
        string[] parts = s_page.Split("\n## ");
        string text = parts.Single(part => part.StartsWith(section + "\n", StringComparison.Ordinal));
        string[] cells =
        [
            .. new[] { parts[0], text }.SelectMany(part => Cells().Matches(part)).Select(cell => cell.Groups[1].Value),
        ];
        Assert.True(cells.Length > 1, $"'{section}' has no cell");
        string file = desk.Path("recipe.ipynb"),
            saved = desk.Path("saved.ipynb");
        File.WriteAllText(
            file,
            JsonSerializer.Serialize(
                new
                {
                    cells = cells.Select(cell => new
                    {
                        cell_type = "code",
                        metadata = new { },
                        source = cell,
                        outputs = Array.Empty<object>(),
                        execution_count = (int?)null,
                    }),
                    metadata = new
                    {
                        kernelspec = new
                        {
                            name = ".net-csharp",
                            display_name = ".NET (C#)",
                            language = "C#",
                        },
                    },
                    nbformat = 4,
                    nbformat_minor = 4,
                }
            )
        );
        var run = desk.Run("run", file, "--out", saved, "--allow-errors");
        Assert.True(run.Code == 0, run.Errors);
        var code = SavedNotebook.Load(saved).Code.ToArray();
        string[] errors = [.. code.SelectMany(cell => cell.Errors)];
        Assert.SkipWhen(
            errors.Any(error => error.Contains("could not restore", StringComparison.Ordinal)),
            "the feed has not the package"
        );
        Assert.Empty(errors);
        Assert.All(code.Skip(1), cell => Assert.NotEqual("", cell.Text));
        switch (section)
        {
            case "Tables as CSV, without a digit lost":
                // "0.10276836901903152 and 0.10276837; the run says 0.10276836901903152"
                string[] losses = code[^1].Text.Split([" and ", "; the run says "], StringSplitOptions.None);
                Assert.Equal(losses[0], losses[2]);
                Assert.NotEqual(losses[0], losses[1]);
                break;
            case "PyTorch's files by TorchSharp.PyBridge":
                Assert.Matches(@"^(Installed TorchSharp\.PyBridge 1\.4\.4)?0$", code[^1].Text);
                break;
        }
    }

    [GeneratedRegex("^```csharp\n(.*?)\n```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Cells();
}
