using System.Text.RegularExpressions;

namespace CsNotebook.Engine;

/// <summary>
/// What people write who know other notebooks, and what to write instead: the compiler's words would not help them.
/// </summary>
internal static partial class ForeignSyntax
{
    /// <summary>A sentence for a line that does not compile, or null where it looks like C#.</summary>
    /// <param name="line">the line.</param>
    /// <param name="error">the compiler's number for the error, <c>CS1525</c>.</param>
    public static string? Explain(string line, string error)
    {
        line = line.Trim();
        if (Magic().Match(line) is { Success: true } magic)
            return $"{magic.Value} is a magic of IPython, and this is C#: {InsteadOfMagic(magic.Groups[1].Value)}.";
        if (Command().IsMatch(line))
            return "A line that begins with ! is a shell command in IPython, and this is C#: use a terminal, or "
                + "System.Diagnostics.Process.";
        if (line.StartsWith('?') || Help().IsMatch(line))
            return $"{line} asks for help in IPython, and this is C#: put the cursor on the name and press "
                + "Shift+Tab, or point at it.";
        if (Python().IsMatch(line))
            return $"This looks like Python, and this kernel speaks C#: {line}";
        return error == "CS7021"
            ? "A cell cannot declare a namespace: leave out the namespace line, or its braces, and declare "
                + "the types alone."
            : null;
    }

    private static string InsteadOfMagic(string name) =>
        name switch
        {
            "time" or "timeit" => "write #!time",
            "html" or "HTML" => "write #!html",
            "markdown" => "write #!markdown",
            "run" or "load" => "write #!import \"FILE\"",
            "who" or "whos" => $"write #!{name}",
            "pip" or "conda" => "write #r \"nuget: NAME, VERSION\" for a package of .NET",
            "matplotlib" => "leave the line out; what a cell ends in is shown",
            "cd" => "write Environment.CurrentDirectory = \"FOLDER\";",
            "lsmagic" => "write #!lsmagic",
            "bash" or "sh" or "script" or "writefile" =>
                "use a terminal, or System.Diagnostics.Process and System.IO.File",
            _ => "leave the line out; #!lsmagic lists the directives there are",
        };

    [GeneratedRegex(@"^%{1,2}([A-Za-z]\w*)")]
    private static partial Regex Magic();

    [GeneratedRegex(@"^!\s*[A-Za-z.~/][\w./~-]*(\s.*)?$")]
    private static partial Regex Command();

    [GeneratedRegex(@"^[\w.]+\?{1,2}$")]
    private static partial Regex Help();

    [GeneratedRegex(
        @"^(import\s+[a-z_]\w*(\s+as\s+\w+|\.\w+|,.*)*$|from\s+\S+\s+import\s|print\s*\("
            + @"|(def|if|for|while|elif|else|class)\b.*:$)"
    )]
    private static partial Regex Python();
}
