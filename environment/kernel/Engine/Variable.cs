namespace CsNotebook.Engine;

/// <summary>A variable that a cell declared at its top level.</summary>
/// <param name="Name">its name.</param>
/// <param name="Type">its declared type as C# writes it.</param>
/// <param name="Value">what it holds now.</param>
public sealed record Variable(string Name, string Type, object? Value);
