using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using CsNotebook.Engine;
using Xunit;

namespace CsNotebook.Tests.Jupyter;

/// <summary>A front end that starts <c>csnotebook stdio</c> and talks to it by lines of JSON.</summary>
internal sealed class StdioFrontEnd : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(180);

    private readonly Process process;
    private readonly BlockingCollection<JsonNode> messages = [];
    private readonly StringBuilder errors = new();
    private int requests;

    public StdioFrontEnd()
    {
        string[] arguments = [typeof(CSharpSession).Assembly.Location, "stdio"];
        process = Process.Start(
            new ProcessStartInfo("dotnet", arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardInputEncoding = new UTF8Encoding(false),
                StandardOutputEncoding = Encoding.UTF8,
            }
        )!;
        process.ErrorDataReceived += (_, e) =>
        {
            lock (errors)
                errors.AppendLine(e.Data);
        };
        process.BeginErrorReadLine();
        new Thread(Read) { IsBackground = true }.Start();
    }

    /// <summary>What the process wrote to standard error.</summary>
    public string Errors
    {
        get
        {
            lock (errors)
                return errors.ToString();
        }
    }

    /// <summary>Sends a line as it is.</summary>
    public void Write(string line)
    {
        process.StandardInput.Write(line + "\n");
        process.StandardInput.Flush();
    }

    /// <summary>Sends a request; its id.</summary>
    public string Send(string type, JsonObject content, string channel = "shell")
    {
        string id = $"request {++requests}";
        Write(
            new JsonObject
            {
                ["channel"] = channel,
                ["header"] = new JsonObject
                {
                    ["msg_id"] = id,
                    ["msg_type"] = type,
                    ["session"] = "test",
                },
                ["parent_header"] = new JsonObject(),
                ["metadata"] = new JsonObject(),
                ["content"] = content,
            }.ToJsonString()
        );
        return id;
    }

    /// <summary>Sends a cell; the request's id.</summary>
    public string Execute(string code) => Send("execute_request", new JsonObject { ["code"] = code });

    /// <summary>Sends a request and waits for its reply's content.</summary>
    public JsonNode Ask(string type, JsonObject content, string channel = "shell") =>
        Until(Send(type, content, channel), type.Replace("request", "reply", StringComparison.Ordinal))[^1]["content"]!;

    /// <summary>Runs a cell: the messages for it, up to the kernel's being idle again.</summary>
    public List<JsonNode> Run(string code) => Idle(Execute(code));

    /// <summary>The messages for a request up to the kernel's being idle again.</summary>
    public List<JsonNode> Idle(string id)
    {
        var shown = new List<JsonNode>();
        do shown.AddRange(Until(id, "status"));
        while ((string?)shown[^1]["content"]!["execution_state"] != "idle");
        return shown;
    }

    /// <summary>The messages for a request up to the first of a type.</summary>
    public List<JsonNode> Until(string id, string type)
    {
        var seen = new List<JsonNode>();
        do
        {
            if (!messages.TryTake(out var message, Limit))
                throw new TimeoutException($"The kernel is silent; it wrote: {Errors}");
            if ((string?)message["parent_header"]!["msg_id"] == id)
                seen.Add(message);
        } while (seen.Count == 0 || Type(seen[^1]) != type);
        return seen;
    }

    /// <summary>The type of a message.</summary>
    public static string Type(JsonNode message) => (string)message["header"]!["msg_type"]!;

    /// <summary>Ends what the kernel reads.</summary>
    public void Leave() => process.StandardInput.Close();

    /// <summary>Waits for the end of the process; its exit code.</summary>
    public int Ended()
    {
        Assert.True(process.WaitForExit(Limit), "The kernel stays.");
        // All that it wrote, too.
        process.WaitForExit();
        return process.ExitCode;
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private void Read()
    {
        try
        {
            while (process.StandardOutput.ReadLine() is { } line)
                messages.Add(JsonNode.Parse(line)!);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException) { }
    }
}
