using System.Text.Json.Nodes;

namespace CsNotebook.Jupyter;

/// <summary>What carries messages between a kernel and its front ends.</summary>
internal interface IWire : IDisposable
{
    /// <summary>Begins to receive.</summary>
    /// <param name="received">takes each message that is one, on a thread of the wire's.</param>
    /// <param name="gone">called when the only front end has gone, where a wire can know that.</param>
    void Start(Action<Channel, Message> received, Action gone);

    /// <summary>Sends a message; false where nobody is there to take it.</summary>
    /// <param name="channel">its channel.</param>
    /// <param name="type">its type.</param>
    /// <param name="content">its content.</param>
    /// <param name="parent">what it answers or belongs to; on all channels but iopub also whom it is for.</param>
    bool Send(Channel channel, string type, JsonObject content, Message? parent);

    /// <summary>Waits until what was sent is on its way, at most until a time.</summary>
    void Drain(DateTime until);
}
