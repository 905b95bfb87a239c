using System.Globalization;
using System.Text.RegularExpressions;

namespace PatchKit.Torch.Distributed;

/// <summary>Which of several processes this one is, and where they meet.</summary>
/// <param name="Rank">its number among all, from 0.</param>
/// <param name="Ranks">how many there are.</param>
/// <param name="LocalRank">its number among those on this machine: the index of its GPU.</param>
/// <param name="Host">the machine of rank 0.</param>
/// <param name="Port">the port that rank 0 opens there.</param>
public sealed partial record RankPlace(int Rank, int Ranks, int LocalRank, string Host, int Port)
{
    private const int FirstPort = 20_000,
        Ports = 20_000,
        MostPorts = 65_535;

    /// <summary>
    /// The place that a launcher gave this process: torchrun's RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and
    /// MASTER_PORT (`patchkit launch` sets them, too), or srun's SLURM_PROCID, SLURM_STEP_NUM_TASKS or SLURM_NTASKS,
    /// SLURM_LOCALID and SLURM_STEP_NODELIST or SLURM_JOB_NODELIST, with MASTER_ADDR and MASTER_PORT where set and else
    /// a port made of SLURM_JOB_ID. Null where no launcher did, or for one process alone.
    /// </summary>
    /// <param name="variable">a variable's value, or null:
    /// <see cref="Environment.GetEnvironmentVariable(string)"/>.</param>
    /// <exception cref="ArgumentException">The variables do not go together; the message says which.</exception>
    public static RankPlace? From(Func<string, string?> variable)
    {
        if (Given(variable, "RANK") is not null || Given(variable, "WORLD_SIZE") is not null)
        {
            int ranks = Number(variable, "WORLD_SIZE"),
                rank = Number(variable, "RANK");
            return Checked(
                rank,
                ranks,
                () =>
                    new(
                        rank,
                        ranks,
                        Number(variable, "LOCAL_RANK", rank),
                        Text(variable, "MASTER_ADDR"),
                        Number(variable, "MASTER_PORT")
                    )
            );
        }
        if (
            Given(variable, "SLURM_PROCID") is not null
            && (Given(variable, "SLURM_STEP_NUM_TASKS") ?? Given(variable, "SLURM_NTASKS")) is not null
        )
        {
            string tasks = Given(variable, "SLURM_STEP_NUM_TASKS") is not null
                ? "SLURM_STEP_NUM_TASKS"
                : "SLURM_NTASKS";
            int ranks = Number(variable, tasks),
                rank = Number(variable, "SLURM_PROCID");
            return Checked(
                rank,
                ranks,
                () =>
                    new(
                        rank,
                        ranks,
                        Number(variable, "SLURM_LOCALID", rank),
                        Given(variable, "MASTER_ADDR")
                            ?? FirstHost(
                                Given(variable, "SLURM_STEP_NODELIST")
                                    ?? Given(variable, "SLURM_JOB_NODELIST")
                                    ?? Text(variable, "SLURM_NODELIST")
                            ),
                        Given(variable, "MASTER_PORT") is null
                            ? FirstPort + Number(variable, "SLURM_JOB_ID", 0) % Ports
                            : Number(variable, "MASTER_PORT")
                    )
            );
        }
        return null;
    }

    /// <summary>The first host of Slurm's list: "gpu[03-05,9],login" is gpu03.</summary>
    /// <exception cref="ArgumentException">It is no such list.</exception>
    public static string FirstHost(string nodeList)
    {
        // A host is letters, and ranges in brackets; a comma outside brackets ends it. Of each range the first number
        // is the first host's.
        if (FirstEntry().Match(nodeList.Trim()) is not { Success: true, Length: > 0 } first)
            throw new ArgumentException(
                $"\"{nodeList}\" is no list of hosts as Slurm writes them, such as gpu[01-04]; set "
                    + "MASTER_ADDR to the host of rank 0."
            );
        return Brackets().Replace(first.Value, ranges => ranges.Groups[1].Value);
    }

    private static RankPlace? Checked(int rank, int ranks, Func<RankPlace> place)
    {
        if (ranks < 1 || rank < 0 || rank >= ranks)
            throw new ArgumentException(
                $"this process is rank {rank} of {ranks}, but ranks are counted from 0 "
                    + $"to {Math.Max(0, ranks - 1)}; mend the launcher's variables (WORLD_SIZE, RANK), or unset them."
            );
        if (ranks == 1)
            return null;
        var found = place();
        return found.Port is >= 1 and <= MostPorts
            ? found
            : throw new ArgumentException($"port {found.Port} (MASTER_PORT) is none; ports are 1 to {MostPorts}.");
    }

    private static string? Given(Func<string, string?> variable, string name) =>
        variable(name) is { Length: > 0 } text ? text : null;

    private static string Text(Func<string, string?> variable, string name) =>
        Given(variable, name)
        ?? throw new ArgumentException(
            $"several processes are to train together, but {name} is not set; start them by `patchkit "
                + "launch`, torchrun or srun, or unset WORLD_SIZE and RANK."
        );

    private static int Number(Func<string, string?> variable, string name, int? otherwise = null) =>
        Given(variable, name) is null && otherwise is { } value ? value
        : int.TryParse(Text(variable, name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
        : throw new ArgumentException(
            $"{name} is \"{variable(name)}\", which is no number; start the processes by `patchkit launch`, "
                + "torchrun or srun."
        );

    [GeneratedRegex(@"^(?:[A-Za-z0-9._-]|\[[0-9,-]+\])+")]
    private static partial Regex FirstEntry();

    [GeneratedRegex(@"\[([0-9]+)[0-9,-]*\]")]
    private static partial Regex Brackets();
}
