using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;

namespace CsNotebook.Engine;

/// <summary>
/// Compiles and runs pieces of C# one after another as Roslyn script submissions: each sees what the earlier declared.
/// </summary>
internal sealed class SubmissionChain(CellLoadContext context, References references)
{
    public static readonly CSharpParseOptions ParseOptions = new(
        LanguageVersion.CSharp14,
        DocumentationMode.Parse,
        SourceCodeKind.Script
    );

    /// <summary>Namespaces that every cell sees: those of .NET Interactive.</summary>
    public static readonly CSharpCompilationOptions CompilationOptions = new(
        OutputKind.DynamicallyLinkedLibrary,
        scriptClassName: "Submission#0",
        usings:
        [
            "System",
            "System.Text",
            "System.Collections",
            "System.Collections.Generic",
            "System.Threading.Tasks",
            "System.Linq",
            "Microsoft.DotNet.Interactive",
            "Microsoft.DotNet.Interactive.Kernel",
        ],
        optimizationLevel: OptimizationLevel.Release,
        allowUnsafe: true,
        nullableContextOptions: NullableContextOptions.Annotations,
        concurrentBuild: false
    );

    private CSharpCompilation? _last;
    private object?[] _instances = new object?[64];
    private int _count;

    /// <summary>What compiled so far, oldest first.</summary>
    public IReadOnlyList<Submission> Submissions { get; private set; } = [];

    /// <summary>Compiles code that comes next, without running it.</summary>
    /// <param name="code">the code; blank lines stand for what was cut out, so that line numbers are the
    /// cell's.</param>
    /// <param name="cell">the cell's name, as stack traces are to show it.</param>
    /// <param name="stop">stops the compilation.</param>
    /// <exception cref="CellException">The code does not compile.</exception>
    public Submission Compile(string code, string cell, CancellationToken stop)
    {
        string plain = UsingDeclarations.Plain(code, out var used);
        var tree = CSharpSyntaxTree.ParseText(SourceText.From(plain, Encoding.UTF8), ParseOptions, cell, stop);
        var written = Compilation(tree);
        var root = tree.GetCompilationUnitRoot(stop);
        if (root.Members.Count == 0)
        {
            // Usings only: Roslyn gives such a submission no slot, so there is nothing to run.
            var found = written.GetDiagnostics(stop);
            return HasErrors(found)
                ? throw Failure(found, code, cell)
                : new Submission(cell, root, written, null, false);
        }

        if (
            SessionVariables
                .Fields(written)
                .FirstOrDefault(f => used.Contains(f.Name) && !UsedVariables.Allows(f.Type)) is
            { } wrong
        )
        {
            int line = wrong.Locations[0].GetLineSpan().StartLinePosition.Line + 1;
            string sentence =
                $"CS1674: {wrong.Type.ToDisplayString()} is not disposable, so {wrong.Name} cannot be "
                + "declared by using.";
            throw new CellException("CompilationError", sentence, line);
        }

        // The rewritten cell is what runs. Errors are told about the cell as written; an error that only the rewritten
        // one has is the rewriter's, and the cell then runs as written: not stoppable, but right.
        var model = written.GetSemanticModel(tree);
        var stoppable = (CompilationUnitSyntax)new StopRewriter(model).Visit(root);
        var compilation = Compilation(CSharpSyntaxTree.Create(stoppable, ParseOptions, cell, Encoding.UTF8));
        if (!TryEmit(compilation, stop, out var assembly, out _))
        {
            compilation = written;
            if (!TryEmit(written, stop, out assembly, out var diagnostics))
                throw Failure(diagnostics, code, cell);
        }
        return new Submission(cell, root, compilation, assembly, HasValue(root, model)) { Used = used };
    }

    /// <summary>Runs a submission on the calling thread, and waits for what it awaits.</summary>
    /// <returns>The value of its last expression.</returns>
    public object? Run(Submission submission)
    {
        _last = submission.Compilation;
        Submissions = [.. Submissions, submission];
        if (submission.Assembly is not { } assembly)
            return null;
        _count++;
        if (_instances.Length < _count + 2)
            Array.Resize(ref _instances, _instances.Length * 2);

        var entry = submission.Compilation.GetEntryPoint(default)!;
        var factory = assembly
            .GetType(entry.ContainingType.MetadataName, throwOnError: true)!
            .GetMethod(entry.MetadataName, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!
            .CreateDelegate<Func<object?[], Task<object?>>>();
        try
        {
            var task = factory(_instances);
            // Wait() rather than the awaiter: it can be interrupted even when the task never ends.
            ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
            return task.GetAwaiter().GetResult();
        }
        finally
        {
            submission.Instance = _instances.FirstOrDefault(i => i?.GetType().Assembly == assembly);
        }
    }

    private CSharpCompilation Compilation(SyntaxTree tree) =>
        CSharpCompilation.CreateScriptCompilation(
            $"cell-{Submissions.Count + 1}",
            tree,
            references.All,
            CompilationOptions.WithScriptClassName($"Submission#{Submissions.Count + 1}"),
            _last,
            returnType: typeof(object)
        );

    private static bool HasValue(CompilationUnitSyntax root, SemanticModel model) =>
        root.Members.Last() switch
        {
            GlobalStatementSyntax { Statement: ExpressionStatementSyntax { SemicolonToken.IsMissing: true } last } =>
                model.GetTypeInfo(last.Expression).Type is not { SpecialType: SpecialType.System_Void },
            GlobalStatementSyntax { Statement: ReturnStatementSyntax { Expression: not null } } => true,
            _ => false,
        };

    private bool TryEmit(
        CSharpCompilation compilation,
        CancellationToken stop,
        out Assembly? assembly,
        out IReadOnlyList<Diagnostic> diagnostics
    )
    {
        using var image = new MemoryStream();
        using var symbols = new MemoryStream();
        var result = compilation.Emit(
            image,
            symbols,
            options: new EmitOptions(debugInformationFormat: DebugInformationFormat.PortablePdb),
            cancellationToken: stop
        );
        diagnostics = result.Diagnostics;
        image.Position = symbols.Position = 0;
        assembly = result.Success ? context.LoadFromStream(image, symbols) : null;
        return result.Success;
    }

    private static bool HasErrors(IEnumerable<Diagnostic> diagnostics) =>
        diagnostics.Any(d => d.Severity == DiagnosticSeverity.Error);

    private static CellException Failure(IReadOnlyList<Diagnostic> diagnostics, string code, string cell)
    {
        var errors = diagnostics
            .Where(d => d.Severity == DiagnosticSeverity.Error)
            .OrderBy(d => d.Location.SourceSpan.Start)
            .ToList();
        string[] lines = code.Split('\n');
        var details = new List<string>();
        foreach (var error in errors.Take(10))
        {
            var at = error.Location.GetLineSpan().StartLinePosition;
            details.Add($"{cell}, line {at.Line + 1}, column {at.Character + 1}: {error.Id}: {error.GetMessage()}");
            if (at.Line < lines.Length)
                details.Add($"    {lines[at.Line].Trim()}");
        }
        if (errors.Count > 10)
            details.Add($"and {errors.Count - 10} more");
        var first = errors[0];
        int line = first.Location.GetLineSpan().StartLinePosition.Line;
        string? foreign = line < lines.Length ? ForeignSyntax.Explain(lines[line], first.Id) : null;
        if (foreign is not null)
            details.Insert(0, foreign);
        return new CellException("CompilationError", foreign ?? $"{first.Id}: {first.GetMessage()}", line + 1, details);
    }
}
