using PatchKit.Torch.Distributed;
using Xunit;

namespace PatchKit.Tests.Torch.Distributed;

/// <summary>Which of several processes this one is, by the variables of torchrun and of Slurm.</summary>
public sealed class RankPlaceTests
{
    [Fact]
    public void TorchrunsVariables()
    {
        Assert.Equal(
            new RankPlace(5, 8, 1, "node-a", 29500),
            Of("RANK=5 WORLD_SIZE=8 LOCAL_RANK=1 MASTER_ADDR=node-a MASTER_PORT=29500")
        );
        Assert.Equal(2, Of("RANK=2 WORLD_SIZE=4 MASTER_ADDR=h MASTER_PORT=1")!.LocalRank);
    }

    [Fact]
    public void SlurmsVariables()
    {
        const string step =
            "SLURM_PROCID=9 SLURM_NTASKS=16 SLURM_LOCALID=1 SLURM_JOB_NODELIST=gpu[07-08] SLURM_JOB_ID=123456";
        Assert.Equal(new RankPlace(9, 16, 1, "gpu07", 20_000 + 123456 % 20_000), Of(step));
        Assert.Equal(
            new RankPlace(9, 12, 1, "gpu08", 4000),
            Of($"{step} SLURM_STEP_NUM_TASKS=12 SLURM_STEP_NODELIST=gpu08 MASTER_PORT=4000")
        );
        Assert.Equal("login", Of($"{step} MASTER_ADDR=login")!.Host);
        Assert.Equal("n1", Of("SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_NODELIST=n1,n2")!.Host);
        Assert.Equal(3, Of($"RANK=3 WORLD_SIZE=4 MASTER_ADDR=h MASTER_PORT=1 {step}")!.Rank);
    }

    [Theory]
    [InlineData("node001", "node001")]
    [InlineData("node[001-004,007],gpu3", "node001")]
    [InlineData("a-b.c,d", "a-b.c")]
    [InlineData("rack[2-3]n[05,9]", "rack2n05")]
    [InlineData("gpu[12]", "gpu12")]
    public void TheFirstHost(string list, string host) => Assert.Equal(host, RankPlace.FirstHost(list));

    [
        Theory,
        InlineData(""),
        InlineData("RANK=0 WORLD_SIZE=1"),
        InlineData("SLURM_PROCID=0 SLURM_NTASKS=1"),
        InlineData("SLURM_NTASKS=8"),
        InlineData("LOCAL_RANK=0 MASTER_ADDR=h")
    ]
    public void OneProcessAlone(string variables) => Assert.Null(Of(variables));

    [Theory]
    [InlineData("RANK=0 WORLD_SIZE=2", "MASTER_ADDR is not set; start them by `patchkit launch`, torchrun or srun")]
    [InlineData("WORLD_SIZE=2", "RANK is not set")]
    [InlineData("RANK=2 WORLD_SIZE=2 MASTER_ADDR=h MASTER_PORT=1", "rank 2 of 2, but ranks are counted from 0 to 1")]
    [InlineData("RANK=0 WORLD_SIZE=2 MASTER_ADDR=h MASTER_PORT=http", "MASTER_PORT is \"http\", which is no number")]
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_NODELIST=[3-4", "\"[3-4\" is no list of hosts")]
    public void WhatDoesNotGoTogetherIsRefused(string variables, string sentence) =>
        Expect.Refused<ArgumentException>(() => Of(variables), sentence);

    private static RankPlace? Of(string variables)
    {
        var given = variables
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(entry => entry.Split('='))
            .ToDictionary(entry => entry[0], entry => entry[1]);
        return RankPlace.From(name => given.GetValueOrDefault(name));
    }
}
