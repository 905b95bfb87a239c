namespace CsNotebook.Engine;

/// <summary>A piece of a cell, in the order of execution.</summary>
/// <param name="Line">the 1-based line on which it begins.</param>
internal abstract record CellPart(int Line)
{
    /// <summary>C# code, padded with blank lines so that its line numbers are the cell's.</summary>
    public sealed record Code(string Text, int Line) : CellPart(Line);

    /// <summary>Text to show rather than to run.</summary>
    public sealed record Show(string MimeType, string Text, int Line) : CellPart(Line);

    /// <summary>A directive: <c>#r</c>, <c>#i</c>, <c>#!import</c>, ... and what follows it.</summary>
    public sealed record Directive(string Name, string Argument, int Line) : CellPart(Line)
    {
        /// <summary>What stands behind it in quotes, or without them.</summary>
        /// <exception cref="CellException">Nothing does.</exception>
        public string Quoted()
        {
            if (Argument.Length > 1 && Argument[0] == '"' && Argument.IndexOf('"', 1) is > 0 and var end)
                return Argument[1..end].Trim();
            return Argument.Length > 0 && Argument[0] != '"'
                ? Argument
                : throw CellException.Directive($"{Name} needs a name in quotes behind it.", Line);
        }
    }
}
