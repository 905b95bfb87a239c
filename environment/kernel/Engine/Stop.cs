using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace CsNotebook.Engine;

/// <summary>
/// The stop flag. Compiled cells ask it at every turn of a loop, at every <c>goto</c>, on entering every function and
/// every catch-all: see <see cref="StopRewriter"/>. Public because compiled cells call it; not meant to be called by hand.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Stop
{
    private static volatile bool requested;

    /// <summary>Whether the running cell is to stop. Stays true until the next cell begins, for stragglers.</summary>
    internal static bool Requested
    {
        get => requested;
        set => requested = value;
    }

    /// <summary>Throws <see cref="CellStoppedException"/> if the running cell is to stop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check()
    {
        if (requested)
            Throw();
    }

    /// <summary>
    /// <see cref="Check"/>, and turns a recursion without end into <see cref="InsufficientExecutionStackException"/>
    /// before it ends the process.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter()
    {
        if (requested)
            Throw();
        RuntimeHelpers.EnsureSufficientExecutionStack();
    }

    private static void Throw() => throw new CellStoppedException();
}
