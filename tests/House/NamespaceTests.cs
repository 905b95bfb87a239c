using System.Text.RegularExpressions;
using Xunit;

namespace PatchKit.Tests.House;

/// <summary>A file's namespace is its folder's: lib/Data/Coco is PatchKit.Data.Coco, and so for tests.</summary>
public sealed partial class NamespaceTests
{
    // The longest that fits counts.
    private static readonly (string Folder, string Namespace)[] s_roots =
    [
        ("lib", "PatchKit"),
        ("tests", "PatchKit.Tests"),
        ("tests/Kernel", "CsNotebook.Tests"),
        ("tests/Formatting", "Formatting.Tests"),
        ("environment/kernel", "CsNotebook"),
    ];

    [Theory]
    [InlineData("lib")]
    [InlineData("tests")]
    [InlineData("environment/kernel")]
    public void EveryFileHasTheNamespaceOfItsFolder(string root)
    {
        var files = Directory
            .EnumerateFiles(Checkout.Path(root), "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Checkout.Home, file).Replace('\\', '/'))
            .Where(file => !HasForeignNames(file))
            .ToList();
        Assert.NotEmpty(files);
        var wrong =
            from file in files
            let found = Declaration().Match(File.ReadAllText(Checkout.Path(file)))
            where found.Success && found.Groups[1].Value != Expected(file)
            select $"{file} has {found.Groups[1].Value}, its folder is {Expected(file)}";
        Assert.True(!wrong.Any(), string.Join("\n", wrong));
    }

    // What cells know from .NET Interactive keeps the names that it has there.
    private static bool HasForeignNames(string file) => file.StartsWith("environment/kernel/Engine/Interactive/");

    private static string Expected(string file)
    {
        var root = s_roots.Where(one => file.StartsWith(one.Folder + "/")).MaxBy(one => one.Folder.Length);
        string below = Path.GetDirectoryName(file)![root.Folder.Length..];
        return root.Namespace + below.Replace('\\', '/').Replace('/', '.');
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
