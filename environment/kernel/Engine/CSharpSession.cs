using System.Diagnostics;

namespace CsNotebook.Engine;

/// <summary>
/// A C# session: cells run one after another and see what earlier ones declared.
/// Standard streams and the stop flag belong to the process, so it runs one cell at a time, over all sessions.
/// </summary>
public sealed class CSharpSession : IDisposable
{
    private static readonly SemaphoreSlim Turn = new(1);

    private readonly string workFolder = Directory.CreateTempSubdirectory("csnotebook-").FullName;
    private readonly OutputQueue output = new();
    private readonly References references = new();
    private readonly CellLoadContext context;
    private readonly SubmissionChain chain;
    private readonly NuGetPackages packages;
    private readonly CodeHelp help;
    private readonly PageScripts page = new();
    private readonly UsedVariables used = new();
    private readonly Dictionary<string, string[]> sources = [];
    private int uncounted;

    /// <summary>A session in which nothing has run.</summary>
    public CSharpSession()
    {
        context = new CellLoadContext(workFolder);
        chain = new SubmissionChain(context, references);
        packages = new NuGetPackages(Path.Combine(workFolder, "nuget"));
        help = new CodeHelp(references);
    }

    /// <summary>The number of counted cells executed so far: the n of the last one's <c>In [n]</c>.</summary>
    public int ExecutionCount { get; private set; }

    /// <summary>The variables that are in scope, in alphabetical order.</summary>
    public IReadOnlyList<Variable> Variables => SessionVariables.Of(chain.Submissions);

    /// <summary>
    /// Runs a cell on a thread of its own. Never throws for what the cell does; a second call waits for the first.
    /// </summary>
    /// <param name="code">The cell's text, directives included.</param>
    /// <param name="host">Where its output goes.</param>
    /// <param name="stop">Stops the cell: the result is then <see cref="CellStatus.Aborted"/>.</param>
    /// <param name="counted">Whether it raises <see cref="ExecutionCount"/>; what a front end asks on its own behalf
    /// does not.</param>
    public Task<CellResult> ExecuteAsync(string code, ICellHost host, CancellationToken stop, bool counted = true) =>
        InTurn(() => Execute(code, host, stop, counted));

    /// <summary>
    /// Runs and completes a cell that leaves no trace, so that the first one that somebody writes finds the compiler
    /// loaded. A cell that comes while it runs waits for it.
    /// </summary>
    public async Task WarmUpAsync()
    {
        await InTurn(() => WarmUp.Run(references, workFolder)).ConfigureAwait(false);
        await Task.Run(() => new CodeHelp(references).Complete(WarmUp.Code, WarmUp.Code.Length)).ConfigureAwait(false);
    }

    /// <summary>
    /// The completions at <paramref name="cursor"/>, a position in UTF-16 units. May be called while a cell runs.
    /// </summary>
    public CompletionList Complete(string code, int cursor) => help.Complete(code, cursor);

    /// <summary>What is at <paramref name="cursor"/>, or null. May be called while a cell runs.</summary>
    public Inspection? Inspect(string code, int cursor) => help.Inspect(code, cursor);

    /// <summary>Whether <paramref name="code"/> can be run as it stands.</summary>
    public Completeness IsComplete(string code) => CodeHelp.IsComplete(code);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (CellOutput.Current?.Queue == output)
            CellOutput.Current = null;
        used.EndAll();
        output.Dispose();
        try
        {
            Directory.Delete(workFolder, recursive: true);
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
        string name = counted ? $"In [{++ExecutionCount}]" : $"uncounted cell {++uncounted}";
        var cell = new CellRun(this, name, new CellOutput(host, output, page), stop);
        page.Begin(code);
        sources[cell.Name] = code.ReplaceLineEndings("\n").Split('\n');
        CellOutput.Current = cell.Output;
        MimeBundle? value = null;
        CellError? error = null;
        var status = CellStatus.Ok;
        try
        {
            value = cell.Run(CellParser.Parse(code), clock);
            if (value is not null)
                cell.Output.Prepare(value);
        }
        catch (Exception e)
        {
            status = stop.IsCancellationRequested ? CellStatus.Aborted : CellStatus.Error;
            error = Tracebacks.Describe(e, cell.Name, sources, stopped: status == CellStatus.Aborted);
        }
        output.Drain();
        return new CellResult(status, value, error, clock.Elapsed);
    }

    /// <summary>One execution: a cell's parts in turn, those of cells it imports included.</summary>
    private sealed class CellRun(CSharpSession session, string name, CellOutput output, CancellationToken stop)
    {
        private readonly List<string> importing = [];

        public string Name => name;

        public CellOutput Output => output;

        public MimeBundle? Run(IReadOnlyList<CellPart> parts, Stopwatch clock)
        {
            MimeBundle? value = null;
            foreach (var part in parts)
            {
                stop.ThrowIfCancellationRequested();
                switch (part)
                {
                    case CellPart.Code code:
                        if (value is not null)
                            output.Display(value, null, update: false);
                        value = RunCode(code.Text, name);
                        break;
                    case CellPart.Show show:
                        output.Display(new MimeBundle(show.MimeType, show.Text), null, update: false);
                        break;
                    case CellPart.Directive directive:
                        Follow(directive, Environment.CurrentDirectory);
                        break;
                }
            }
            if (parts.OfType<CellPart.Directive>().Any(d => d.Name == "#!time"))
                output.Display(
                    new MimeBundle("text/plain", $"Wall time: {clock.Elapsed.TotalMilliseconds:0.#} ms"),
                    null,
                    update: false
                );
            return value;
        }

        private MimeBundle? RunCode(string code, string cell)
        {
            var submission = session.chain.Compile(code, cell, stop);
            MimeBundle? value = null;
            var thrown = CellThread.Run(
                () =>
                {
                    session.used.Begin(submission);
                    object? result = session.chain.Run(submission);
                    if (submission.HasValue && result is not Microsoft.DotNet.Interactive.DisplayedValue)
                        value = Formatting.Formatters.Format(result);
                },
                stop
            );
            session.help.Add(submission);
            thrown?.Throw();
            return value;
        }

        private void Follow(CellPart.Directive directive, string folder)
        {
            switch (directive.Name)
            {
                case "#r":
                    Reference(Quoted(directive), folder, directive.Line);
                    break;
                case "#i":
                    session.packages.AddSource(
                        NuGet(Quoted(directive))
                            ?? throw CellException.Directive(
                                $"#i \"{Quoted(directive)}\" names no package source; write #i \"nuget: "
                                    + "ADDRESS OR FOLDER\".",
                                directive.Line
                            )
                    );
                    break;
                case "#!import" or "#load":
                    Import(directive, folder);
                    break;
                case "#!about":
                    output.Display(About.Bundle, null, update: false);
                    break;
                case "#!who":
                    output.Display(
                        new MimeBundle("text/plain", string.Join(", ", session.Variables.Select(v => v.Name))),
                        null,
                        update: false
                    );
                    break;
                case "#!whos":
                    output.Display(SessionVariables.Table(session.Variables), null, update: false);
                    break;
                case "#!lsmagic":
                    output.Display(
                        new MimeBundle("text/plain", string.Join('\n', CellParser.Directives)),
                        null,
                        update: false
                    );
                    break;
                case "#!time":
                    break;
                default:
                    throw CellException.Directive(
                        $"{directive.Name} is not known here; the directives "
                            + $"are {string.Join(", ", CellParser.Directives)}.",
                        directive.Line
                    );
            }
        }

        private void Reference(string target, string folder, int line)
        {
            if (NuGet(target) is { } package)
            {
                ReferencePackage(package, line);
                return;
            }
            string path = Path.GetFullPath(Path.Combine(folder, target));
            if (File.Exists(path))
            {
                session.context.Shadow(Path.GetDirectoryName(path)!);
                session.references.Add(path);
            }
            else if (References.FrameworkAssembly(target) is null)
            {
                throw CellException.Directive(
                    $"#r \"{target}\": there is no file {path}; name a dll that is there, or a package as "
                        + "#r \"nuget: NAME, VERSION\".",
                    line
                );
            }
        }

        private void ReferencePackage(string package, int line)
        {
            string[] parts = package.Split(',', 2, StringSplitOptions.TrimEntries);
            if (parts[0].Length == 0)
                throw CellException.Directive(
                    "#r \"nuget:\" names no package; write #r \"nuget: NAME, VERSION\".",
                    line
                );
            var fresh = session.packages.Restore(
                parts[0],
                parts.Length > 1 && parts[1].Length > 0 ? parts[1] : "*",
                stop
            );
            foreach (var assets in fresh)
            {
                foreach (string path in assets.Runtime.Where(p => session.context.InPlaceOf(p) is null))
                    session.context.AddPackaged(path);
                foreach (string path in assets.Native)
                    session.context.AddPackagedNative(path);
                foreach (
                    string path in assets.Compile.Where(p => References.FrameworkAssembly(Path.GetFileName(p)) is null)
                )
                    session.references.Add(session.context.InPlaceOf(path) ?? path);
            }
            if (
                fresh.FirstOrDefault(a => a.Package.StartsWith(parts[0] + "/", StringComparison.OrdinalIgnoreCase)) is
                { } own
            )
                output.Display(new MimeBundle("text/plain", Installed(own)), null, update: false);
        }

        private string Installed(NuGetPackages.Assets assets)
        {
            string package = assets.Package.Replace('/', ' ');
            return assets.Runtime.Select(session.context.InPlaceOf).FirstOrDefault(path => path is not null) is { } path
                ? $"{package} is here already: {path}"
                : $"Installed {package}";
        }

        private void Import(CellPart.Directive directive, string folder)
        {
            string path = Path.GetFullPath(Path.Combine(folder, Quoted(directive)));
            if (!File.Exists(path))
                throw CellException.Directive($"{directive.Name}: the file {path} is not there.", directive.Line);
            if (importing.Contains(path))
                throw CellException.Directive(
                    $"{directive.Name}: {path} imports itself, by way of {string.Join(" and ", importing)}.",
                    directive.Line
                );
            importing.Add(path);
            string file = Path.GetFileName(path);
            var cells = Path.GetExtension(path).ToLowerInvariant() switch
            {
                ".ipynb" => Notebook(path, directive.Line)
                    .Cells.Select((c, i) => (c, Name: $"{file}, cell {i + 1}"))
                    .Where(c => c.c.IsCode)
                    .Select(c => (c.c.Source, c.Name)),
                ".csx" or ".cs" => [(File.ReadAllText(path), file)],
                var other => throw CellException.Directive(
                    $"{directive.Name} reads .ipynb and .csx files, not {other}.",
                    directive.Line
                ),
            };
            foreach (var (source, cell) in cells)
            {
                session.sources[cell] = source.ReplaceLineEndings("\n").Split('\n');
                foreach (var part in CellParser.Parse(source))
                {
                    try
                    {
                        if (part is CellPart.Code code)
                            RunCode(code.Text, cell);
                        else if (part is CellPart.Directive inner)
                            Follow(inner, Path.GetDirectoryName(path)!);
                    }
                    catch (CellException e)
                    {
                        // The line that the user sees fail is the one that imports.
                        throw new CellException(
                            e.Name,
                            $"{cell}, line {e.Line}: {e.Message}",
                            directive.Line,
                            e.Details
                        );
                    }
                }
            }
            importing.Remove(path);
        }

        private static CsNotebook.Notebook.NotebookFile Notebook(string path, int line)
        {
            try
            {
                return CsNotebook.Notebook.NotebookFile.Load(path);
            }
            catch (InvalidDataException e)
            {
                throw CellException.Directive(e.Message, line);
            }
        }

        private static string? NuGet(string target) =>
            target.StartsWith("nuget:", StringComparison.OrdinalIgnoreCase) ? target["nuget:".Length..].Trim() : null;

        private static string Quoted(CellPart.Directive directive)
        {
            string text = directive.Argument;
            if (text.Length > 1 && text[0] == '"' && text.IndexOf('"', 1) is > 0 and var end)
                return text[1..end].Trim();
            return text.Length > 0 && text[0] != '"'
                ? text
                : throw CellException.Directive($"{directive.Name} needs a name in quotes behind it.", directive.Line);
        }
    }
}
