using CsNotebook.Engine.Formatting;

namespace CsNotebook.Engine;

/// <summary>
/// A hidden first cell: it takes the compiler, the formatters and a cell's thread through their first use.
/// </summary>
internal static class WarmUp
{
    /// <summary>What first cells are made of: a using, a variable, a lambda, a call, a value.</summary>
    public const string Code = """
        using System.IO;
        var numbers = Enumerable.Range(1, 3).Select(n => $"{n}").ToList();
        Action tell = () => Console.WriteLine(Path.Combine(numbers[0], "x"));
        numbers
        """;

    /// <summary>Compiles it against a session's references, and runs it in a load context of its own.</summary>
    public static MimeBundle Run(References references, string workFolder)
    {
        var chain = new SubmissionChain(new CellLoadContext(workFolder), references);
        var submission = chain.Compile(Code, "warm-up", CancellationToken.None);
        MimeBundle? value = null;
        CellThread.Run(() => value = Formatters.Format(chain.Run(submission)), CancellationToken.None)?.Throw();
        return value!;
    }
}
