using PatchKit.Torch.Distributed;
using PatchKit.Training;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>
/// A command's place among the processes that a launcher started together; a command that was started alone has no
/// group.
/// </summary>
internal sealed class Ranks : IDisposable
{
    private Ranks(Device device, ProcessGroup? group) => (Device, Group) = (device, group);

    /// <summary>Where this process trains.</summary>
    internal Device Device { get; }

    /// <summary>The processes; null for one alone.</summary>
    internal ProcessGroup? Group { get; }

    /// <summary>Whether this process speaks and writes.</summary>
    internal bool Leads => Group is null or { Leads: true };

    /// <summary>
    /// Meets the other processes where the environment names any. From then on the others but rank 0 print errors
    /// alone.
    /// </summary>
    /// <param name="device">cpu, cuda or cuda:1.</param>
    /// <exception cref="ArgumentException">The device is not there, or the launcher's variables do not go
    /// together.</exception>
    /// <exception cref="RankLostException">Not all processes came.</exception>
    internal static Ranks Join(string device)
    {
        var place = RankPlace.From(Environment.GetEnvironmentVariable);
        var own = Devices.Open(device, place);
        if (place is null)
            return new Ranks(own, null);
        var group = ProcessGroup.Join(place, own);
        if (!group.Leads)
            Console.SetOut(TextWriter.Null);
        if (group.Carrier.EndsWith('.'))
            Console.WriteLine(char.ToUpperInvariant(group.Carrier[0]) + group.Carrier[1..]);
        return new Ranks(own, group);
    }

    public void Dispose() => Group?.Dispose();
}
