namespace CsNotebook.Engine;

/// <summary>A variable that a cell declared at its top level.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its declared type as C# writes it.</param>
/// <param name="Value">What it holds now.</param>
public sealed record Variable(string Name, string Type, object? Value);
