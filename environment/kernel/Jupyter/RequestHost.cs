using System.Text.Json.Nodes;
using CsNotebook.Engine;

namespace CsNotebook.Jupyter;

/// <summary>Publishes what a cell shows, on behalf of the request that ran it.</summary>
/// <param name="publisher">where output goes.</param>
/// <param name="input">where the user is asked; null where the request does not allow it.</param>
/// <param name="request">the request.</param>
/// <param name="silent">whether nothing is to be shown.</param>
/// <param name="stop">ends the wait for an answer.</param>
internal sealed class RequestHost(
    Publisher publisher,
    InputChannel? input,
    Message request,
    bool silent,
    CancellationToken stop
) : ICellHost
{
    /// <summary>True where the user may not be asked: jupyter nbconvert executes so, and has no page until the end.
    /// </summary>
    public bool KeepsScripts => input is null;

    /// <inheritdoc/>
    public void Stream(StreamName name, string text)
    {
        if (!silent)
            publisher.Stream(name, text, request);
    }

    /// <inheritdoc/>
    public void Display(MimeBundle data, string? displayId, bool update)
    {
        var content = new JsonObject
        {
            ["data"] = data.ToJson(),
            ["metadata"] = new JsonObject(),
            ["transient"] = displayId is null ? [] : new JsonObject { ["display_id"] = displayId },
        };
        Publish(update ? "update_display_data" : "display_data", content);
    }

    /// <inheritdoc/>
    public string? ReadLine(string prompt, bool password)
    {
        if (input is null)
        {
            throw new InvalidOperationException(
                "The cell asks for input, and the front end that ran it does not allow that (allow_stdin is false)."
            );
        }
        // What the cell wrote before it asks often says what it asks for.
        publisher.Flush();
        return input.Ask(request, prompt, password, stop);
    }

    /// <inheritdoc/>
    public void ClearOutput(bool wait) => Publish("clear_output", new JsonObject { ["wait"] = wait });

    /// <summary>Publishes a message unless the request is a silent one.</summary>
    public void Publish(string type, JsonObject content)
    {
        if (!silent)
            publisher.Publish(type, content, request);
    }
}
