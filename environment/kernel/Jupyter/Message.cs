using System.Text.Json.Nodes;

namespace CsNotebook.Jupyter;

/// <summary>A Jupyter message that came in.</summary>
/// <param name="Identities">the frames before the delimiter: the way back.</param>
/// <param name="Type">its type, <c>execute_request</c> for instance.</param>
/// <param name="Header">its header; what answers it carries this as parent header.</param>
/// <param name="Content">its content.</param>
internal sealed record Message(byte[][] Identities, string Type, JsonObject Header, JsonObject Content)
{
    /// <summary>A text of the content, or <paramref name="otherwise"/>.</summary>
    public string Text(string name, string otherwise = "") => (string?)Content[name] ?? otherwise;

    /// <summary>A flag of the content, or <paramref name="otherwise"/>.</summary>
    public bool Flag(string name, bool otherwise = false) => (bool?)Content[name] ?? otherwise;

    /// <summary>A number of the content, or null.</summary>
    public int? Number(string name) => (int?)Content[name];
}
