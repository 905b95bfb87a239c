using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace CsNotebook.Engine;

/// <summary>
/// The stop flag. Compiled cells ask it at every turn of a loop, at every <c>goto</c>, on entering every function and
/// every catch-all: see <see cref="StopRewriter"/>. Public because compiled cells call it; not meant to be called by
/// hand.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Stop
{
    /// <summary>What is left for unwinding and for code that is not the cell's.</summary>
    private const int Reserve = 1 << 20;

    private static volatile bool s_requested;

    [ThreadStatic]
    private static nuint s_stackFloor;

    /// <summary>Whether the running cell is to stop. Stays true until the next cell begins, for stragglers.</summary>
    internal static bool Requested
    {
        get => s_requested;
        set => s_requested = value;
    }

    /// <summary>Throws <see cref="CellStoppedException"/> if the running cell is to stop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check()
    {
        if (s_requested)
            Throw();
    }

    /// <summary>
    /// <see cref="Check"/>, and ends a recursion that would use up a cell's stack, and with it the process. Costs a
    /// comparison; only the cell's own thread is guarded.
    /// </summary>
    /// <exception cref="InsufficientExecutionStackException">The stack is nearly used up.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Enter()
    {
        byte here;
        if (s_requested || (nuint)(&here) < s_stackFloor)
            Leave();
    }

    /// <summary>Guards the calling thread's stack, whose size is given.</summary>
    internal static unsafe void Guard(int stackSize)
    {
        byte here;
        s_stackFloor = (nuint)(&here) - (nuint)(stackSize - Reserve);
    }

    private static void Leave()
    {
        Check();
        throw new InsufficientExecutionStackException(
            "The calls went so deep that the stack of a cell, 16 MB, is used up; does a function call "
                + "itself without end?"
        );
    }

    private static void Throw() => throw new CellStoppedException();
}
