using CsNotebook.Engine;
using CsNotebook.Engine.Formatting;

namespace Microsoft.DotNet.Interactive;

/// <summary>
/// What cells call by bare name: the part of .NET Interactive's <c>Kernel</c> that this kernel offers.
/// </summary>
public static class Kernel
{
#pragma warning disable IDE1006 // display and its like are .NET Interactive's names.

    /// <summary>Shows a value at once; the handle it returns can change what is shown.</summary>
    /// <param name="value">any value.</param>
    /// <param name="mimeTypes">the wanted representations; none means the value's own choice.</param>
    public static DisplayedValue display(object? value, params string[] mimeTypes)
    {
        string id = Guid.NewGuid().ToString("N");
        CellOutput.Current?.Display(Formatters.Format(value, mimeTypes), id, update: false);
        return new DisplayedValue(id, mimeTypes);
    }

#pragma warning restore IDE1006

    /// <summary>A value that shows as the given HTML.</summary>
    public static HtmlString HTML(string content) => new(content);

    /// <summary>Adds a style sheet to the page.</summary>
    public static void CSS(string content) => display(new HtmlString($"<style>{content}</style>"), "text/html");

    /// <summary>Runs a script in the front end, where that allows it.</summary>
    public static void Javascript(string content) =>
        display(new HtmlString($"<script type=\"text/javascript\">{content}</script>"), "text/html");

    /// <summary>Asks the user for a line.</summary>
    public static Task<string> GetInputAsync(string prompt = "") => Ask(prompt, password: false);

    /// <summary>Asks the user for a line that is not shown while it is typed.</summary>
    public static Task<string> GetPasswordAsync(string prompt = "") => Ask(prompt, password: true);

    /// <summary>Removes what the cell has shown so far.</summary>
    /// <param name="wait">whether to wait until there is something new to show.</param>
    public static void ClearOutput(bool wait = false) => CellOutput.Current?.ClearOutput(wait);

    private static Task<string> Ask(string prompt, bool password) =>
        Task.FromResult(CellOutput.Current?.ReadLine(prompt, password) ?? "");
}
