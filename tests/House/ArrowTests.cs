using Mono.Cecil;
using PatchKit.Torch;
using Xunit;

namespace PatchKit.Tests.House;

/// <summary>
/// Which namespaces may use which, over the compiled assemblies: the picture of the layers in lib/README.md. An arrow
/// that is not there is a fault, and one that nobody needs any more has to go from the picture.
/// </summary>
public sealed class ArrowTests
{
    private static readonly (string From, string[] To)[] s_library =
    [
        ("PatchKit.Torch", []),
        ("PatchKit.ScalingLaws", []),
        ("PatchKit.Checkpoints", []),
        ("PatchKit.Patchify", []),
        ("PatchKit.Data", ["PatchKit.Torch"]),
        ("PatchKit.Ops", ["PatchKit.Torch"]),
        ("PatchKit.Display", ["PatchKit.Data"]),
        ("PatchKit.Metrics", ["PatchKit.Torch", "PatchKit.Data"]),
        (
            "PatchKit.Models",
            ["PatchKit.Torch", "PatchKit.Ops", "PatchKit.Patchify", "PatchKit.Checkpoints", "PatchKit.ScalingLaws"]
        ),
        (
            "PatchKit.Models.Detection",
            ["PatchKit.Torch", "PatchKit.Models", "PatchKit.Ops", "PatchKit.Checkpoints", "PatchKit.Data"]
        ),
        (
            "PatchKit.Training",
            [
                "PatchKit.Torch",
                "PatchKit.Models",
                "PatchKit.Models.Detection",
                "PatchKit.Ops",
                "PatchKit.Patchify",
                "PatchKit.Data",
                "PatchKit.Metrics",
                "PatchKit.Checkpoints",
                "PatchKit.ScalingLaws",
                "PatchKit.Display",
            ]
        ),
        (
            "PatchKit.Experiments",
            [
                "PatchKit.Torch",
                "PatchKit.Training",
                "PatchKit.Models",
                "PatchKit.Models.Detection",
                "PatchKit.Patchify",
                "PatchKit.Data",
                "PatchKit.Metrics",
                "PatchKit.Checkpoints",
                "PatchKit.ScalingLaws",
                "PatchKit.Display",
            ]
        ),
        (
            "PatchKit.Bench",
            [
                "PatchKit.Experiments",
                "PatchKit.Torch",
                "PatchKit.Training",
                "PatchKit.Models",
                "PatchKit.Ops",
                "PatchKit.Patchify",
                "PatchKit.Data",
                "PatchKit.Metrics",
                "PatchKit.Checkpoints",
                "PatchKit.ScalingLaws",
            ]
        ),
        (
            "PatchKit.Cli",
            [
                "PatchKit.Torch",
                "PatchKit.Bench",
                "PatchKit.Experiments",
                "PatchKit.Training",
                "PatchKit.Models",
                "PatchKit.Models.Detection",
                "PatchKit.Patchify",
                "PatchKit.Data",
                "PatchKit.Metrics",
                "PatchKit.Checkpoints",
                "PatchKit.ScalingLaws",
                "PatchKit.Display",
            ]
        ),
    ];

    private static readonly (string From, string[] To)[] s_kernel =
    [
        ("CsNotebook.Engine", []),
        ("CsNotebook.Notebook", ["CsNotebook.Engine"]),
        ("CsNotebook.Jupyter", ["CsNotebook.Engine", "CsNotebook.Notebook"]),
        ("CsNotebook.Site", ["CsNotebook.Engine", "CsNotebook.Notebook"]),
        ("CsNotebook.Cli", ["CsNotebook.Engine", "CsNotebook.Notebook", "CsNotebook.Jupyter", "CsNotebook.Site"]),
    ];

    [Fact]
    public void TheLibrarysNamespacesUseOnlyThoseBelowThem()
    {
        using var patchkit = ModuleDefinition.ReadModule(typeof(Engine).Assembly.Location);
        Follows(patchkit, s_library);
    }

    [Fact]
    public void TheKernelsNamespacesUseOnlyThoseBelowThem()
    {
        string path = Checkout.Path("bin", "csnotebook.dll");
        Assert.SkipUnless(File.Exists(path), "bin/csnotebook.dll is built by environment/setup.sh");
        using var kernel = ModuleDefinition.ReadModule(path);
        Follows(kernel, s_kernel);
        Assert.DoesNotContain(kernel.AssemblyReferences, other => other.Name == "PatchKit.Torch");
    }

    [Fact]
    public void TheLibraryDoesNotKnowTheKernel() =>
        Assert.DoesNotContain(
            typeof(Engine).Assembly.GetReferencedAssemblies(),
            other => other.Name is "csnotebook" or "Microsoft.DotNet.Interactive"
        );

    private static void Follows(ModuleDefinition module, (string From, string[] To)[] picture)
    {
        var allowed = picture.SelectMany(layer => layer.To.Select(to => (layer.From, to))).ToHashSet();
        var found = References
            .Of(module)
            .Select(pair => (pair, Arrow: (Layer(pair.From), Layer(pair.To))))
            .Where(use => use.Arrow is ({ } from, { } to) && from != to)
            .ToLookup(use => (use.Arrow.Item1!, use.Arrow.Item2!), use => use.pair);
        var wrong = found
            .Where(arrow => !allowed.Contains(arrow.Key))
            .SelectMany(arrow => arrow.Select(pair => $"{pair.From.FullName} uses {pair.To.FullName}"));
        Assert.True(!wrong.Any(), string.Join("\n", wrong));
        Assert.Empty(allowed.Where(arrow => !found.Contains(arrow)).Select(arrow => $"{arrow.From} -> {arrow.to}"));

        // The longest of the picture's names that a type's namespace begins with; null for what the compiler makes.
        string? Layer(TypeDefinition type) =>
            picture
                .Select(layer => layer.From)
                .Where(name => type.Namespace == name || type.Namespace.StartsWith(name + "."))
                .MaxBy(name => name.Length);
    }
}
