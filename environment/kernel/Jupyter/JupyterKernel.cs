using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace CsNotebook.Jupyter;

/// <summary>
/// A Jupyter kernel: a C# session behind a wire. Shell requests are answered one after another, control requests at
/// once beside them.
/// </summary>
internal sealed class JupyterKernel : IDisposable
{
    /// <summary>What a running cell gets to end, and a front end to take the last messages, at a shutdown.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly TextWriter _log;
    private readonly IWire _wire;
    private readonly Publisher _publisher;
    private readonly InputChannel _input;
    private readonly Shell _requests;
    private readonly BlockingCollection<Message> _waiting = [],
        _urgent = [];
    private readonly HashSet<Message> _aborted = new(ReferenceEqualityComparer.Instance);
    private readonly ManualResetEventSlim _ended = new();
    private readonly Lazy<Task> _warmUp;

    /// <summary>Opens the wire; <see cref="Run"/> begins to answer.</summary>
    /// <param name="open">makes the wire, from what takes its sentences.</param>
    /// <param name="log">receives a line for each thing that went wrong outside of cells.</param>
    public JupyterKernel(Func<Action<string>, IWire> open, TextWriter log)
    {
        _log = log;
        _wire = open(Log);
        _input = new InputChannel(_wire);
        _publisher = new Publisher(_wire);
        _requests = new Shell(_publisher, _input) { AbortWaiting = AbortWaiting };
        _warmUp = new(WarmUpAsync);
    }

    /// <summary>Answers requests until a shutdown is asked for and done.</summary>
    public void Run()
    {
        _wire.Start(Received, Shutdown);
        _publisher.Status("starting", null);
        var threads = new[] { Background(Channel.Shell, _waiting), Background(Channel.Control, _urgent) };
        _ended.Wait();
        _requests.Interrupt();
        _waiting.CompleteAdding();
        _urgent.CompleteAdding();
        var until = DateTime.UtcNow + Farewell;
        foreach (var thread in threads)
            thread.Join(Max(until - DateTime.UtcNow, TimeSpan.Zero));
        _wire.Drain(until);
    }

    /// <summary>Stops the running cell, if there is one.</summary>
    public void Interrupt() => _requests.Interrupt();

    /// <summary>Lets <see cref="Run"/> end.</summary>
    public void Shutdown() => _ended.Set();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_warmUp.IsValueCreated)
            _warmUp.Value.Wait(Farewell);
        _publisher.Dispose();
        _wire.Dispose();
        _requests.Dispose();
    }

    private void Received(Channel channel, Message message)
    {
        try
        {
            if (channel == Channel.Shell)
                _waiting.Add(message);
            else if (channel == Channel.Control)
                TakeControl(message);
            else
                _input.Received(message);
        }
        catch (InvalidOperationException)
        {
            // It came after a shutdown, or its content has another form.
        }
    }

    /// <summary>An interrupt must not wait behind anything: it is done on arrival and answered in its turn.</summary>
    private void TakeControl(Message message)
    {
        if (message.Type == "interrupt_request")
            Interrupt();
        _urgent.Add(message);
    }

    /// <summary>Marks the requests that wait now: they are to be answered, not done.</summary>
    private void AbortWaiting()
    {
        foreach (var message in _waiting.Where(m => m.Type == "execute_request"))
            _aborted.Add(message);
    }

    private Thread Background(Channel channel, BlockingCollection<Message> messages)
    {
        var thread = new Thread(() =>
        {
            foreach (var message in messages.GetConsumingEnumerable())
                Serve(message, channel);
        })
        {
            IsBackground = true,
            Name = channel.ToString(),
        };
        thread.Start();
        return thread;
    }

    private void Serve(Message request, Channel channel)
    {
        _publisher.Status("busy", request);
        JsonObject? content;
        try
        {
            content =
                channel == Channel.Control || request.Type == "shutdown_request" ? AnswerControl(request)
                : _aborted.Remove(request) || _ended.IsSet ? new JsonObject { ["status"] = "aborted" }
                : _requests.Answer(request);
        }
        catch (Exception e)
        {
            Log($"{request.Type} failed: {e}");
            content = Replies.Error(e.GetType().Name, e.Message, []);
        }
        if (content is not null && request.Type.EndsWith("_request", StringComparison.Ordinal))
        {
            string reply = request.Type[..^"request".Length] + "reply";
            _wire.Send(channel, reply, content, request);
        }
        _publisher.Status("idle", request);
        if (request.Type == "shutdown_request")
            Shutdown();
        // Its front end knows it now, and a person takes a while over the first cell.
        if (request.Type == "kernel_info_request")
            _ = _warmUp.Value;
    }

    private async Task WarmUpAsync()
    {
        try
        {
            await _requests.WarmUpAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log($"The warm-up failed, so the first cell takes longer: {e}");
        }
    }

    private JsonObject? AnswerControl(Message request)
    {
        switch (request.Type)
        {
            case "interrupt_request":
                return new JsonObject { ["status"] = "ok" };
            case "shutdown_request":
                _publisher.Publish("shutdown_reply", Goodbye(), request);
                return Goodbye();
            default:
                return _requests.AnswerBeside(request);
        }

        JsonObject Goodbye() => new() { ["status"] = "ok", ["restart"] = request.Flag("restart") };
    }

    private void Log(string sentence) => _log.WriteLine($"csnotebook: {sentence}");

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
