using System.Text.Json.Nodes;
using CsNotebook.Engine;
using CsNotebook.Notebook;

namespace CsNotebook.Jupyter;

/// <summary>Answers the requests of the shell channel with a C# session.</summary>
internal sealed class Shell(Publisher publisher, InputChannel input) : IDisposable
{
    private readonly Lazy<CSharpSession> _session = new(() => new CSharpSession(NotebookFile.CodeOf));
    private readonly History _history = new();
    private volatile CancellationTokenSource? _running;

    /// <summary>Called when a cell fails and those that wait behind it are not to run.</summary>
    public required Action AbortWaiting { get; init; }

    /// <summary>Prepares the session for its first cell; see <see cref="CSharpSession.WarmUpAsync"/>.</summary>
    public Task WarmUpAsync() => Task.Run(() => _session.Value.WarmUpAsync());

    /// <summary>Stops the running cell, if there is one.</summary>
    public void Interrupt() => _running?.Cancel();

    /// <summary>The content of the reply; null for what has none.</summary>
    public JsonObject? Answer(Message request)
    {
        switch (request.Type)
        {
            case "execute_request":
                return Execute(request);
            case "history_request":
                return _history.Answer(request);
            case "debug_request" when request.Text("command") == "inspectVariables":
                return Replies.Variables(request, _session.Value.Variables);
            default:
                return AnswerBeside(request);
        }
    }

    /// <summary>Answers a request that changes nothing of the session, so that a cell may be running.</summary>
    public JsonObject? AnswerBeside(Message request)
    {
        switch (request.Type)
        {
            case "kernel_info_request":
                return Replies.KernelInfo();
            case "complete_request":
                string code = request.Text("code");
                return Replies.Completions(_session.Value.Complete(code, Cursor(request)), code);
            case "inspect_request":
                return Replies.Inspected(_session.Value.Inspect(request.Text("code"), Cursor(request)));
            case "is_complete_request":
                return Replies.IsComplete(_session.Value.IsComplete(request.Text("code")));
            case "comm_info_request":
                return new JsonObject { ["status"] = "ok", ["comms"] = new JsonObject() };
            case "comm_open":
                // No cell listens on a comm: who opens one is told so.
                publisher.Publish(
                    "comm_close",
                    new JsonObject { ["comm_id"] = request.Text("comm_id"), ["data"] = new JsonObject() },
                    request
                );
                return null;
            default:
                return request.Type.EndsWith("_request", StringComparison.Ordinal) ? Replies.Unknown(request) : null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_session.IsValueCreated)
            _session.Value.Dispose();
    }

    private static int Cursor(Message request)
    {
        string code = request.Text("code");
        return request.Number("cursor_pos") is { } position ? CodePoints.ToUtf16(code, position) : code.Length;
    }

    private JsonObject Execute(Message request)
    {
        string code = request.Text("code");
        bool silent = request.Flag("silent"),
            blank = string.IsNullOrWhiteSpace(code);
        bool counted = !silent && !blank && request.Flag("store_history", true);
        int number = _session.Value.ExecutionCount + (counted ? 1 : 0);

        // Not disposed: an interrupt may come at any moment, and there is nothing to free.
        var stop = _running = new CancellationTokenSource();
        try
        {
            var host = new RequestHost(
                publisher,
                request.Flag("allow_stdin", true) ? input : null,
                request,
                silent,
                stop.Token
            );
            host.Publish("execute_input", new JsonObject { ["code"] = code, ["execution_count"] = number });
            if (blank)
                return Done(new JsonObject());
            var result = Run(code, host, counted);
            if (counted)
                _history.Add(number, code, result.Value?["text/plain"]);
            if (result.Value is { } value)
            {
                host.Publish(
                    "execute_result",
                    new JsonObject
                    {
                        ["execution_count"] = number,
                        ["data"] = value.ToJson(),
                        ["metadata"] = new JsonObject(),
                    }
                );
            }
            if (result.Error is null)
                return Done(Evaluate(request, stop.Token));

            if (!silent && request.Flag("stop_on_error", true))
                AbortWaiting();
            var shown = Replies.Error(result.Error);
            shown.Remove("status");
            host.Publish("error", shown);
            var reply = Replies.Error(result.Error);
            reply["execution_count"] = number;
            return reply;
        }
        finally
        {
            _running = null;
        }

        JsonObject Done(JsonObject expressions) =>
            new()
            {
                ["status"] = "ok",
                ["execution_count"] = number,
                ["payload"] = new JsonArray(),
                ["user_expressions"] = expressions,
            };

        CellResult Run(string text, RequestHost host, bool asCell) =>
            _session.Value.ExecuteAsync(text, host, stop.Token, asCell).GetAwaiter().GetResult();

        JsonObject Evaluate(Message message, CancellationToken token)
        {
            var values = new JsonObject();
            var quiet = new RequestHost(publisher, null, message, silent: true, token);
            foreach (var (name, expression) in message.Content["user_expressions"] as JsonObject ?? [])
            {
                var result = Run((string?)expression ?? "", quiet, asCell: false);
                values[name] = result.Error is { } error
                    ? Replies.Error(error)
                    : new JsonObject
                    {
                        ["status"] = "ok",
                        ["data"] = result.Value?.ToJson() ?? [],
                        ["metadata"] = new JsonObject(),
                    };
            }
            return values;
        }
    }
}
