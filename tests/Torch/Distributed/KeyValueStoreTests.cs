using System.Net;
using System.Net.Sockets;
using System.Text;
using PatchKit.Torch.Distributed;
using Xunit;

namespace PatchKit.Tests.Torch.Distributed;

/// <summary>The store at which ranks meet: its values, and who is kept out of it.</summary>
[Trait("speed", "seconds")]
public sealed class KeyValueStoreTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1),
        Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void EveryRankSeesEveryKey()
    {
        using var meeting = new Meeting(ranks: 2);
        using KeyValueStore one = meeting.Connect(0),
            other = meeting.Connect(1);
        Assert.Null(other.TryGet("key"));
        Assert.False(other.Has("key"));
        one.Set("key", "größer");
        Assert.Equal("größer", other.TryGetText("key"));
        one.Set("key", []);
        Assert.Empty(other.TryGet("key")!);
        byte[] large = [.. Enumerable.Range(0, 3_000_000).Select(i => (byte)i)];
        other.Set("large", large);
        Assert.Equal(large, one.Get("large", Second));
    }

    [Fact]
    public void CountersAreIndivisible()
    {
        using var meeting = new Meeting(ranks: 4);
        Parallel.For(
            0,
            4,
            rank =>
            {
                using var store = meeting.Connect(rank);
                for (int i = 0; i < 250; i++)
                    store.Add("sum", rank);
            }
        );
        using var reader = meeting.Connect(0);
        Assert.Equal(250 * (0 + 1 + 2 + 3), reader.Add("sum", 0));
        Assert.Equal(-5, reader.Add("below", -5));
    }

    [Fact]
    public void AKeyIsWaitedFor()
    {
        using var meeting = new Meeting(ranks: 2);
        using KeyValueStore one = meeting.Connect(0),
            other = meeting.Connect(1);
        byte[] found = [];
        var waiting = new Thread(() => found = other.Get("late", Patience));
        waiting.Start();
        Thread.Sleep(100);
        one.Set("late", [7]);
        waiting.Join();
        Assert.Equal([7], found);
        Expect.Refused<IOException>(
            () => other.Get("never", TimeSpan.FromMilliseconds(50)),
            "\"never\" did not come within 0 s"
        );
    }

    /// <summary>
    /// A port scanner, a browser, a client that says nothing, lengths that are lies: the store sends them away and goes
    /// on.
    /// </summary>
    [Theory]
    [InlineData("")]
    [InlineData("GET / HTTP/1.1\r\nHost: here\r\n\r\n")]
    [InlineData("PatchKit store 1\u007f\u007f\u007f\u007f")]
    [InlineData("PatchKit store 1\u0002\0\0\0{}")]
    [InlineData("PatchKit store 1\u0004\0\0\0null")]
    public void StrangersAreSentAway(string bytes)
    {
        using var meeting = new Meeting(ranks: 2);
        using var one = meeting.Connect(0);
        for (int i = 0; i < 100; i++)
        {
            using var stranger = new TcpClient("127.0.0.1", meeting.Place(0).Port);
            stranger.GetStream().Write(Encoding.Latin1.GetBytes(bytes));
        }
        using var other = meeting.Connect(1);
        one.Set("key", "value");
        Assert.Equal("value", other.TryGetText("key"));
    }

    /// <summary>
    /// More strangers at once than are listened to, who stay: they are cut off, and a rank still comes in.
    /// </summary>
    [Fact]
    public void ManyStrangersKeepNoRankOut()
    {
        using var meeting = new Meeting(ranks: 2);
        TcpClient[] strangers =
        [
            .. Enumerable.Range(0, 100).Select(_ => new TcpClient("127.0.0.1", meeting.Place(0).Port)),
        ];
        using var other = meeting.Connect(1);
        other.Set("key", "value");
        foreach (var stranger in strangers)
            stranger.Dispose();
    }

    [Fact]
    public void ARankThatBreaksOffIsNoHarm()
    {
        using var meeting = new Meeting(ranks: 2);
        using var one = meeting.Connect(0);
        meeting.Connect(1).Dispose();
        one.Set("key", "value");
        Assert.Equal("value", one.TryGetText("key"));
    }

    [Fact]
    public void TwoJobsOnOnePortAreToldApart()
    {
        using var meeting = new Meeting(ranks: 2, job: "first");
        using var one = meeting.Connect(1);
        Expect.Refused<IOException>(
            () => meeting.Connect(0, job: "second"),
            "the job there is \"first\", and this one \"second\""
        );
        Expect.Refused<IOException>(() => meeting.Connect(0, ranks: 3), "the job there has 2 ranks, and this one 3");
        Expect.Refused<IOException>(() => meeting.Connect(2), "there is no rank 2 of 2");
        Expect.Refused<IOException>(
            () => meeting.Connect(1, member: Guid.NewGuid()),
            "there is a rank 1 already, so that two jobs use one port"
        );
        Expect.Refused<IOException>(
            () => new KeyValueServer(meeting.Place(0), "second"),
            $"rank 0 cannot open port {meeting.Place(0).Port}, which is taken"
        );
        one.Set("key", "value");
    }

    [Fact]
    public void WithoutRank0ThereIsASentence()
    {
        using var meeting = new Meeting(ranks: 2);
        var one = meeting.Connect(1);
        meeting.Dispose();
        Expect.Refused<IOException>(
            () => one.Has("key"),
            $"the store that rank 0 serves at 127.0.0.1:{meeting.Place(0).Port} does not answer"
        );
        Expect.Refused<IOException>(
            () => meeting.Connect(1, within: TimeSpan.FromMilliseconds(300)),
            $"no rank 0 answered at 127.0.0.1:{meeting.Place(0).Port} within 0 s"
        );
    }

    [Fact]
    public void AnotherProgramOnThePortIsNamed()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answering = new Thread(() =>
        {
            using var client = listener.AcceptTcpClient();
            client.GetStream().Write("SSH-2.0-OpenSSH_9.2p1 Debian\r\n"u8);
            while (client.GetStream().Read(new byte[1000]) > 0) { }
        });
        answering.Start();
        var place = new RankPlace(1, 2, 1, "127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);
        Expect.Refused<IOException>(
            () => KeyValueStore.Connect(place, Guid.NewGuid(), "", Patience, Patience),
            "what answers there is another program"
        );
        answering.Join();
        listener.Stop();
    }

    [Fact]
    public void WhatIsTooLargeIsRefused()
    {
        using var meeting = new Meeting(ranks: 1);
        using var store = meeting.Connect(0);
        Expect.Refused<ArgumentException>(() => store.Set(new string('k', 2000), []), "a key of 2000 bytes");
        Expect.Refused<ArgumentException>(() => store.Set("key", new byte[65 << 20]), "is too large for the store");
        store.Set("key", "value");
    }

    /// <summary>A port and its store, and connections to it.</summary>
    private sealed class Meeting : IDisposable
    {
        private readonly int _ranks,
            _port;
        private readonly string _job;
        private readonly Guid[] _members;
        private readonly KeyValueServer _server;

        internal Meeting(int ranks, string job = "")
        {
            (_ranks, _job, _port) = (ranks, job, Ports.Free());
            _members = [.. Enumerable.Range(0, ranks + 1).Select(_ => Guid.NewGuid())];
            _server = new KeyValueServer(Place(0), job);
        }

        public void Dispose() => _server.Dispose();

        internal RankPlace Place(int rank) => new(rank, _ranks, rank, "127.0.0.1", _port);

        internal KeyValueStore Connect(
            int rank,
            int? ranks = null,
            string? job = null,
            Guid? member = null,
            TimeSpan? within = null
        ) =>
            KeyValueStore.Connect(
                Place(rank) with
                {
                    Ranks = ranks ?? _ranks,
                },
                member ?? _members[rank],
                job ?? _job,
                within ?? Patience,
                Patience
            );
    }
}
