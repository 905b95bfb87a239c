using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace CsNotebook.Jupyter;

/// <summary>The stdin channel: asks the user who sent a request.</summary>
internal sealed class InputChannel(IWire wire)
{
    private const string EndOfInput = "\x04";

    private readonly BlockingCollection<string> _replies = [];
    private readonly object _turn = new();

    /// <summary>Takes what came in on the channel.</summary>
    public void Received(Message message)
    {
        if (message.Type == "input_reply")
            _replies.Add(message.Text("value"));
    }

    /// <summary>Asks and waits for the answer; null when the user ends the input.</summary>
    /// <exception cref="InvalidOperationException">The front end has no input channel.</exception>
    public string? Ask(Message parent, string prompt, bool password, CancellationToken stop)
    {
        lock (_turn)
        {
            // Answers that came too late belong to questions that nobody waits for.
            while (_replies.TryTake(out _)) { }
            var content = new JsonObject { ["prompt"] = prompt, ["password"] = password };
            if (!wire.Send(Channel.Stdin, "input_request", content, parent))
                throw new InvalidOperationException(
                    "The cell asks for input, and the front end that ran it has no input channel."
                );
            string value = _replies.Take(stop);
            return value == EndOfInput ? null : value;
        }
    }
}
