using System.Text.RegularExpressions;
using Xunit;

namespace PatchKit.Tests.House;

/// <summary>Files that the documents for whoever carries on name are there.</summary>
public sealed partial class DocumentTests
{
    [Theory]
    [InlineData("CONTRIBUTING.md", "")]
    [InlineData("lib/README.md", "lib")]
    public void EveryFileIsThere(string document, string folder)
    {
        string text = File.ReadAllText(Checkout.Path(document));
        var named = Paths().Matches(text).Select(match => match.Value).Distinct().ToList();
        Assert.NotEmpty(named);
        Assert.All(named, path => Assert.True(IsThere(path, folder), $"{document} names {path}"));
    }

    private static bool IsThere(string path, string folder) =>
        File.Exists(Checkout.Path(path)) || File.Exists(Checkout.Path(folder, path));

    [GeneratedRegex(@"(?<![\w/])(?!build/)[\w.-]+(?:/[\w.-]+)+\.(?:cs|h|ipynb|md|sh|csproj|json)\b")]
    private static partial Regex Paths();
}
