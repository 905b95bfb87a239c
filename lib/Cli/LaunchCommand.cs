using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using PatchKit.Torch;

namespace PatchKit.Cli;

/// <summary>
/// `patchkit launch --processes N -- run table1 ...`: starts a command as N processes of this machine that train
/// together, and ends with them.
/// </summary>
internal static class LaunchCommand
{
    /// <summary>
    /// Set, to a name for the job, in processes that were started here: they stop when their standard input ends.
    /// </summary>
    internal const string Variable = "PATCHKIT_LAUNCH";

    // What is left of the 30 seconds in which a job must end, after a rank is gone: the others notice by themselves and
    // save.
    private static readonly TimeSpan ToSave = TimeSpan.FromSeconds(25);

    internal static Command Create()
    {
        var processes = new Option<int>("--processes")
        {
            Description = "how many ranks; their number must divide the recipe's batch. On GPUs, one for each",
            Required = true,
        };
        var port = new Option<int?>("--port") { Description = "the port at which they meet (default: a free one)" };
        var command = new Argument<string[]>("command")
        {
            Description = "what each of them runs, behind --: train or run with its options",
            Arity = ArgumentArity.OneOrMore,
        };
        var launch = new Command(
            "launch",
            "Start a command as several processes that train together, each on its share of every batch: "
                + "patchkit launch --processes 2 -- run table1 --scale smoke. Rank 0 speaks; of the others "
                + "errors are shown."
        )
        {
            processes,
            port,
            command,
        };
        launch.SetAction(parsed =>
            Launch(parsed.GetValue(processes), parsed.GetValue(port) ?? FreePort(), parsed.GetValue(command)!)
        );
        return launch;
    }

    private static int Launch(int processes, int port, string[] command)
    {
        if (port is < 1 or > 65_535)
            throw new ArgumentException(
                $"--port {port} is none; ports are 1 to 65535, and a free one is found where --port is left out."
            );
        if (processes < 1)
            throw new ArgumentException($"{processes} processes train nothing; use 1 or more.");
        using var stop = new CtrlC();
        string job = Guid.NewGuid().ToString("N");
        var ranks = new List<Process>();
        try
        {
            for (int rank = 0; rank < processes; rank++)
                ranks.Add(Start(rank, processes, port, job, command));
            return Wait(ranks, stop.Token);
        }
        finally
        {
            foreach (var rank in ranks)
            {
                if (!rank.HasExited)
                    rank.Kill(entireProcessTree: true);
                rank.WaitForExit(); // its last lines, too
                rank.Dispose();
            }
        }
    }

    // Ends when all have ended. The first that fails gives the exit code; the others are given time to notice and to
    // save, then they are asked to stop, then killed.
    private static int Wait(List<Process> ranks, CancellationToken stop)
    {
        int code = 0;
        Stopwatch? failed = null;
        bool asked = false;
        while (ranks.Any(rank => !rank.HasExited))
        {
            if (failed is null && ranks.FindIndex(rank => rank.HasExited && rank.ExitCode != 0) is >= 0 and var first)
            {
                (code, failed) = (ranks[first].ExitCode, Stopwatch.StartNew());
                if (!stop.IsCancellationRequested && code != CtrlC.ExitCode)
                    Console.Error.WriteLine(
                        $"patchkit: rank {first} {Ended(code)}; the other ranks are "
                            + $"given {ToSave.TotalSeconds:0} s to save and end."
                    );
            }
            if (!asked && (stop.IsCancellationRequested || failed?.Elapsed > ToSave * .8))
            {
                asked = true;
                // where a terminal's ctrl-C has reached them already, they are asked no second time
                foreach (var rank in ranks)
                    rank.StandardInput.Close();
            }
            if (failed?.Elapsed > ToSave)
                break;
            Thread.Sleep(50);
        }
        return code != 0 ? code : ranks.Select(rank => rank.ExitCode).FirstOrDefault(own => own != 0);
    }

    private static string Ended(int code) =>
        code > 128
            ? string.Create(CultureInfo.InvariantCulture, $"was ended by signal {code - 128}")
            : string.Create(CultureInfo.InvariantCulture, $"ended with exit code {code}");

    private static Process Start(int rank, int processes, int port, string job, string[] command)
    {
        string dll = typeof(LaunchCommand).Assembly.Location;
        var start = new ProcessStartInfo(Environment.ProcessPath!, [dll, .. command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (
            var (name, value) in new[]
            {
                ("RANK", rank),
                ("WORLD_SIZE", processes),
                ("LOCAL_RANK", rank),
                ("MASTER_PORT", port),
            }
        )
            start.Environment[name] = value.ToString(CultureInfo.InvariantCulture);
        start.Environment["MASTER_ADDR"] = "127.0.0.1";
        start.Environment[Variable] = job;
        // env.sh gives one process all cores; several share them.
        int cores = Environment.ProcessorCount;
        if (
            Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is not { Length: > 0 } threads
            || threads == cores.ToString(CultureInfo.InvariantCulture)
        )
            start.Environment["OMP_NUM_THREADS"] = Math.Max(1, cores / processes)
                .ToString(CultureInfo.InvariantCulture);
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not null && rank == 0)
                Console.Out.WriteLine(line.Data);
        };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
                Console.Error.WriteLine(rank == 0 ? line.Data : $"[rank {rank}] {line.Data}");
        };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
