using System.Diagnostics;

namespace CsNotebook.Engine;

/// <summary>
/// A C# session: cells run one after another and see what earlier ones declared.
/// Standard streams and the stop flag belong to the process, so it runs one cell at a time, over all sessions.
/// </summary>
public sealed class CSharpSession : IDisposable
{
    private static readonly SemaphoreSlim Turn = new(1);

    private readonly string _workFolder = Directory.CreateTempSubdirectory("csnotebook-").FullName;
    private readonly OutputQueue _output = new();
    private readonly References _references = new();
    private readonly SubmissionChain _chain;
    private readonly CodeHelp _help;
    private readonly PageScripts _page = new();
    private readonly UsedVariables _used = new();
    private readonly Dictionary<string, string[]> _sources = [];
    private readonly DirectiveRunner _directives;
    private readonly Importer _importer;
    private int _uncounted;

    /// <summary>A session in which nothing has run.</summary>
    /// <param name="readNotebook">what reads the code cells of a notebook that a cell imports, with a name for each;
    /// it throws <see cref="InvalidDataException"/> where there is none. Null: cells import no notebooks.</param>
    public CSharpSession(Func<string, IReadOnlyList<(string Code, string Name)>>? readNotebook = null)
    {
        var context = new CellLoadContext(_workFolder);
        _chain = new SubmissionChain(context, _references);
        _help = new CodeHelp(_references);
        _directives = new DirectiveRunner(
            context,
            _references,
            new NuGetPackages(Path.Combine(_workFolder, "nuget")),
            () => Variables
        );
        _importer = new Importer(readNotebook, (name, lines) => _sources[name] = lines);
    }

    /// <summary>The number of counted cells executed so far: the n of the last one's <c>In [n]</c>.</summary>
    public int ExecutionCount { get; private set; }

    /// <summary>The variables that are in scope, in alphabetical order.</summary>
    public IReadOnlyList<Variable> Variables => SessionVariables.Of(_chain.Submissions);

    /// <summary>
    /// Runs a cell on a thread of its own. Never throws for what the cell does; a second call waits for the first.
    /// </summary>
    /// <param name="code">the cell's text, directives included.</param>
    /// <param name="host">where its output goes.</param>
    /// <param name="stop">stops the cell: the result is then <see cref="CellStatus.Aborted"/>.</param>
    /// <param name="counted">whether it raises <see cref="ExecutionCount"/>; what a front end asks on its own behalf
    /// does not.</param>
    public Task<CellResult> ExecuteAsync(string code, ICellHost host, CancellationToken stop, bool counted = true) =>
        InTurn(() => Execute(code, host, stop, counted));

    /// <summary>
    /// Runs and completes a cell that leaves no trace, so that the first one that somebody writes finds the compiler
    /// loaded. A cell that comes while it runs waits for it.
    /// </summary>
    public async Task WarmUpAsync()
    {
        await InTurn(() => WarmUp.Run(_references, _workFolder)).ConfigureAwait(false);
        await Task.Run(() => new CodeHelp(_references).Complete(WarmUp.Code, WarmUp.Code.Length)).ConfigureAwait(false);
    }

    /// <summary>
    /// The completions at <paramref name="cursor"/>, a position in UTF-16 units. May be called while a cell runs.
    /// </summary>
    public CompletionList Complete(string code, int cursor) => _help.Complete(code, cursor);

    /// <summary>What is at <paramref name="cursor"/>, or null. May be called while a cell runs.</summary>
    public Inspection? Inspect(string code, int cursor) => _help.Inspect(code, cursor);

    /// <summary>Whether <paramref name="code"/> can be run as it stands.</summary>
    public Completeness IsComplete(string code) => CodeHelp.IsComplete(code);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (CellOutput.Current?.Queue == _output)
            CellOutput.Current = null;
        _used.EndAll();
        _output.Dispose();
        try
        {
            Directory.Delete(_workFolder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Copies that are loaded stay where a system does not let them go; they lie in the temporary folder.
        }
    }

    private static async Task<T> InTurn<T>(Func<T> work)
    {
        await Turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            return await Task.Run(work, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            Turn.Release();
        }
    }

    private CellResult Execute(string code, ICellHost host, CancellationToken stop, bool counted)
    {
        var clock = Stopwatch.StartNew();
        CellConsole.Install();
        string name = counted ? $"In [{++ExecutionCount}]" : $"uncounted cell {++_uncounted}";
        var shown = new CellOutput(host, _output, _page);
        _page.Begin(code);
        _sources[name] = code.ReplaceLineEndings("\n").Split('\n');
        CellOutput.Current = shown;
        MimeBundle? value = null;
        CellError? error = null;
        var status = CellStatus.Ok;
        try
        {
            value = new CellRun(_chain, _help, _used, _directives, _importer, shown, stop).Run(code, name, clock);
            if (value is not null)
                shown.Prepare(value);
        }
        catch (Exception e)
        {
            status = stop.IsCancellationRequested ? CellStatus.Aborted : CellStatus.Error;
            error = Tracebacks.Describe(e, name, _sources, stopped: status == CellStatus.Aborted);
        }
        _output.Drain();
        return new CellResult(status, value, error, clock.Elapsed);
    }
}
