using PatchKit.Display.Formatting;

namespace PatchKit.Display;

/// <summary>Whether an exercise of a notebook is solved. A cell that checks one ends with it.</summary>
/// <param name="Name">the exercise, such as "Exercise 2".</param>
/// <param name="Solved">whether what the reader wrote is right.</param>
/// <param name="Hint">what to look at while it is not.</param>
[TypeFormatterSource(typeof(FormatterSource<Exercise>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed record Exercise(string Name, bool Solved, string Hint) : IRendered
{
    /// <summary>
    /// Checks an exercise. What the check throws, such as at a value that is still missing, means "not yet".
    /// </summary>
    /// <param name="name">the exercise.</param>
    /// <param name="isSolved">whether it is solved.</param>
    /// <param name="hint">what to look at while it is not.</param>
    public static Exercise Check(string name, Func<bool> isSolved, string hint)
    {
        try
        {
            return new(name, isSolved(), hint);
        }
        catch (Exception e) when (e is not OperationCanceledException and not ThreadInterruptedException)
        {
            return new(name, false, $"{hint} (The check ended with: {e.Message})");
        }
    }

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => new Markup()
                .Add(
                    $"<div style='padding:2px 0 2px 10px;border-left:4px "
                        + $"solid {(Solved ? Palette.Green : Palette.Orange)}'><strong>{(Solved ? "✔" : "…")} "
                        + $"{Name}</strong>: "
                )
                .Prose(Words)
                .Raw("</div>")
                .ToString(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>"Exercise 2: right." or "Exercise 2: not yet. Count the patches."</summary>
    public override string ToString() => $"{Name}: {Words}";

    private string Words => Solved ? "right." : $"not yet. {Hint}";
}
