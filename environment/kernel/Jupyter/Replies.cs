using System.Reflection;
using System.Text.Json.Nodes;
using CsNotebook.Engine;
using CsNotebook.Engine.Formatting;

namespace CsNotebook.Jupyter;

/// <summary>The contents of replies that need no session, or only a result.</summary>
internal static class Replies
{
    private static readonly string OwnVersion = Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "";

    /// <summary>Who answers here, and in which language.</summary>
    public static JsonObject KernelInfo() =>
        new()
        {
            ["status"] = "ok",
            ["protocol_version"] = MessageCodec.Version,
            ["implementation"] = "csnotebook",
            ["implementation_version"] = OwnVersion,
            ["language_info"] = Notebook.NotebookLanguage.Info,
            ["banner"] = $"csnotebook {OwnVersion}: C# 14 on .NET {Environment.Version}",
            ["debugger"] = false,
            ["help_links"] = new JsonArray(
                new JsonObject { ["text"] = "C#", ["url"] = "https://learn.microsoft.com/dotnet/csharp/" },
                new JsonObject { ["text"] = ".NET", ["url"] = "https://learn.microsoft.com/dotnet/api/" }
            ),
        };

    /// <summary>A failure.</summary>
    public static JsonObject Error(string name, string message, IEnumerable<string> traceback) =>
        new()
        {
            ["status"] = "error",
            ["ename"] = name,
            ["evalue"] = message,
            ["traceback"] = new JsonArray([.. traceback.Select(line => JsonValue.Create(line))]),
        };

    /// <summary>A cell's failure.</summary>
    public static JsonObject Error(CellError error) => Error(error.Name, error.Message, error.Traceback);

    /// <summary>Says that a request is not known here; a debugger's in the words of its own protocol.</summary>
    public static JsonObject Unknown(Message request)
    {
        string sentence =
            request.Type == "debug_request"
                ? "This kernel has no debugger."
                : $"The request {request.Type} is not known to this kernel.";
        var content = Error("NotSupported", sentence, []);
        if (request.Type == "debug_request")
        {
            content["type"] = "response";
            content["success"] = false;
            content["message"] = sentence;
            content["command"] = request.Content["command"]?.DeepClone();
            content["request_seq"] = request.Content["seq"]?.DeepClone();
        }
        return content;
    }

    /// <summary>Completions for <paramref name="code"/>.</summary>
    public static JsonObject Completions(CompletionList list, string code)
    {
        int start = CodePoints.FromUtf16(code, list.Start),
            end = CodePoints.FromUtf16(code, list.End);
        return new JsonObject
        {
            ["status"] = "ok",
            ["matches"] = new JsonArray([.. list.Items.Select(i => JsonValue.Create(i.Text))]),
            ["cursor_start"] = start,
            ["cursor_end"] = end,
            ["metadata"] = new JsonObject
            {
                ["_jupyter_types_experimental"] = new JsonArray([
                    .. list.Items.Select(i => new JsonObject
                    {
                        ["text"] = i.Text,
                        ["type"] = i.Kind,
                        ["signature"] = i.Signature,
                        ["start"] = start,
                        ["end"] = end,
                    }),
                ]),
            },
        };
    }

    /// <summary>
    /// What a variables view asks for, in the words of the debugger's protocol though there is no debugger: names,
    /// types and values.
    /// </summary>
    public static JsonObject Variables(Message request, IReadOnlyList<Variable> variables) =>
        new()
        {
            ["status"] = "ok",
            ["type"] = "response",
            ["success"] = true,
            ["command"] = request.Content["command"]?.DeepClone(),
            ["request_seq"] = request.Content["seq"]?.DeepClone(),
            ["body"] = new JsonObject
            {
                ["variables"] = new JsonArray([
                    .. variables.Select(v => new JsonObject
                    {
                        ["name"] = v.Name,
                        ["type"] = v.Type,
                        ["value"] = Words(v.Value),
                        ["variablesReference"] = 0,
                    }),
                ]),
            },
        };

    /// <summary>What is known of a symbol; null when there is none.</summary>
    public static JsonObject Inspected(Inspection? found) =>
        new()
        {
            ["status"] = "ok",
            ["found"] = found is not null,
            ["data"] = found?.Data.ToJson() ?? [],
            ["metadata"] = new JsonObject(),
        };

    /// <summary>Whether code can be run as it stands.</summary>
    public static JsonObject IsComplete(Completeness answer)
    {
        var content = new JsonObject { ["status"] = answer.Status.ToString().ToLowerInvariant() };
        if (answer.Status == CompletenessStatus.Incomplete)
            content["indent"] = answer.Indent;
        return content;
    }

    /// <summary>A value in one line, or the exception that its own code throws when it is asked.</summary>
    private static string Words(object? value)
    {
        try
        {
            return TextFormat.Short(value);
        }
        catch (Exception e)
        {
            return $"({e.GetType().Name}: {TextFormat.Cut(e.Message)})";
        }
    }
}
