namespace CsNotebook.Engine;

/// <summary>One way to complete what was typed.</summary>
/// <param name="Text">what replaces the text between the list's start and end.</param>
/// <param name="Kind">in Jupyter's words: <c>method</c>, <c>property</c>, <c>field</c>, <c>class</c>, <c>keyword</c>,
/// ...</param>
/// <param name="Signature">the symbol as C# writes it, one of its overloads; empty for keywords and directives.</param>
public sealed record Completion(string Text, string Kind, string Signature);
