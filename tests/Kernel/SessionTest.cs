using CsNotebook.Engine;
using CsNotebook.Notebook;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>A test with a session of its own and a folder of its own.</summary>
public abstract class SessionTest : IDisposable
{
    private readonly Lazy<string> folder = new(() => Directory.CreateTempSubdirectory("csnotebook-test-").FullName);

    internal CSharpSession Session { get; } = new(NotebookFile.CodeOf);

    internal RecordingHost Host { get; } = new();

    protected string Folder => folder.Value;

    public void Dispose()
    {
        Session.Dispose();
        if (folder.IsValueCreated)
            Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Runs a cell that must succeed; its value as text.</summary>
    protected async Task<string?> Run(string code)
    {
        var result = await Session.ExecuteAsync(code, Host, TestContext.Current.CancellationToken);
        Assert.True(result.Status == CellStatus.Ok, string.Join('\n', result.Error?.Traceback ?? []));
        return result.Value?["text/plain"];
    }

    /// <summary>Runs a cell that must fail.</summary>
    protected async Task<CellError> Fail(string code)
    {
        var result = await Session.ExecuteAsync(code, Host, TestContext.Current.CancellationToken);
        Assert.Equal(CellStatus.Error, result.Status);
        return result.Error!;
    }
}
