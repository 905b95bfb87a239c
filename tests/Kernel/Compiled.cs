using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace CsNotebook.Tests;

/// <summary>Makes the small dlls that tests reference.</summary>
internal static class Compiled
{
    /// <summary>Compiles a library into a file and returns its path.</summary>
    public static string Library(string path, string source, params string[] references)
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var compilation = CSharpCompilation.Create(
            Path.GetFileNameWithoutExtension(path),
            [CSharpSyntaxTree.ParseText(source, cancellationToken: Xunit.TestContext.Current.CancellationToken)],
            [
                .. new[] { "System.Private.CoreLib.dll", "System.Runtime.dll" }
                    .Select(f => Path.Combine(framework, f))
                    .Concat(references)
                    .Select(f => MetadataReference.CreateFromFile(f)),
            ],
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary)
        );
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var result = compilation.Emit(path, cancellationToken: Xunit.TestContext.Current.CancellationToken);
        Xunit.Assert.True(result.Success, string.Join('\n', result.Diagnostics));
        return path;
    }
}
