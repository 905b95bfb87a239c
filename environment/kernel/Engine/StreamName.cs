namespace CsNotebook.Engine;

/// <summary>One of the two text streams of a cell.</summary>
public enum StreamName
{
    /// <summary>What <c>Console.Out</c> received.</summary>
    Stdout,

    /// <summary>What <c>Console.Error</c> received.</summary>
    Stderr,
}
