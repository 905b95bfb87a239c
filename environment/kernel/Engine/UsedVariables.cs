using Microsoft.CodeAnalysis;

namespace CsNotebook.Engine;

/// <summary>
/// What cells declared by <c>using</c>. A value is disposed when its name is declared anew (its cell is run again,
/// say), or when the session ends: until then later cells use it.
/// </summary>
internal sealed class UsedVariables
{
    /// <summary>What the end of a session waits for what it disposes.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, Submission> _owners = new(StringComparer.Ordinal);

    /// <summary>
    /// Takes note of a submission that is about to run: what loses its name to it is disposed now, what it uses later.
    /// </summary>
    public void Begin(Submission submission)
    {
        foreach (string name in SessionVariables.Fields(submission.Compilation).Select(f => f.Name))
        {
            if (_owners.Remove(name, out var owner))
                End(name, owner);
        }
        foreach (string name in submission.Used)
            _owners[name] = submission;
    }

    /// <summary>Disposes all, the newest first.</summary>
    public void EndAll()
    {
        var ending = new Thread(() =>
        {
            foreach (var (name, owner) in _owners.Reverse())
                End(name, owner);
        })
        {
            IsBackground = true,
            Name = "end of session",
        };
        ending.Start();
        ending.Join(Patience);
        _owners.Clear();
    }

    /// <summary>Whether a type can be declared by <c>using</c>.</summary>
    public static bool Allows(ITypeSymbol type) =>
        type.TypeKind is TypeKind.Dynamic or TypeKind.Error
        || type.AllInterfaces.Append(type)
            .Any(i => i.ToDisplayString() is "System.IDisposable" or "System.IAsyncDisposable");

    private static void End(string name, Submission owner)
    {
        try
        {
            object? value = SessionVariables.Value(owner, name);
            if (value is IDisposable disposable)
                disposable.Dispose();
            else if (value is IAsyncDisposable later)
                later.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not CellStoppedException and not ThreadInterruptedException)
        {
            // It is over for this value; the cell that runs next has done nothing wrong.
            Console.Error.WriteLine($"Disposing {name} failed: {e.GetType().Name}: {e.Message}");
        }
    }
}
