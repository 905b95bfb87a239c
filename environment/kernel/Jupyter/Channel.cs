namespace CsNotebook.Jupyter;

/// <summary>Jupyter's channels between a kernel and its front ends; each has its own order.</summary>
internal enum Channel
{
    /// <summary>Requests that wait for one another, and their replies.</summary>
    Shell,

    /// <summary>Requests that do not wait for a running cell.</summary>
    Control,

    /// <summary>Questions to the user, and the answers.</summary>
    Stdin,

    /// <summary>What is published to every front end.</summary>
    Iopub,
}
