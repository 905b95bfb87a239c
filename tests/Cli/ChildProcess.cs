using System.Diagnostics;
using PatchKit.Cli;

namespace PatchKit.Tests.Cli;

/// <summary>The built command as a process of its own, with this one's environment.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private bool _isDisposed;
    private readonly Task<string> _output,
        _errors;

    /// <summary>Starts `patchkit` with arguments.</summary>
    internal ChildProcess(params string[] arguments)
        : this([], arguments) { }

    private ChildProcess(string[] before, string[] arguments)
    {
        string[] line = [.. before, .. Line(arguments)];
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // else .NET itself makes a large file, which a limit on files forbids
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        _process = Process.Start(start)!;
        (_output, _errors) = (_process.StandardOutput.ReadToEndAsync(), _process.StandardError.ReadToEndAsync());
    }

    /// <summary>What starts `patchkit` with arguments: a program and what it is given.</summary>
    internal static string[] Line(params string[] arguments)
    {
        string dotnet =
            Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        return
        [
            dotnet,
            Path.Combine(AppContext.BaseDirectory, typeof(TrainCommand).Assembly.GetName().Name + ".dll"),
            .. arguments,
        ];
    }

    /// <summary>Starts it behind a program that starts others, such as nohup.</summary>
    internal static ChildProcess Behind(string[] before, params string[] arguments) => new(before, arguments);

    /// <summary>
    /// Starts it where no file may grow beyond some KiB: writing more fails as it does on a full disk.
    /// </summary>
    internal static ChildProcess WithFileLimit(int kibibytes, params string[] arguments) =>
        new(["bash", "-c", $"trap '' XFSZ; ulimit -f {kibibytes}; exec \"$@\"", "bash"], arguments);

    /// <summary>Starts it with a number of libtorch's threads.</summary>
    internal static ChildProcess WithThreads(int threads, params string[] arguments) =>
        new(["env", $"OMP_NUM_THREADS={threads}"], arguments);

    /// <summary>Starts it with a variable of its environment, given as NAME=VALUE.</summary>
    internal static ChildProcess WithVariable(string variable, params string[] arguments) =>
        new(["env", variable], arguments);

    internal int Id => _process.Id;

    internal bool HasExited => _process.HasExited;

    /// <summary>As kill -9 does it.</summary>
    internal void Kill() => _process.Kill();

    /// <summary>As ctrl-C does it.</summary>
    internal void Interrupt() => Process.Start("bash", ["-c", $"kill -INT {_process.Id}"]).WaitForExit();

    /// <summary>Kills one of the ranks that `patchkit launch` started, as kill -9 does it.</summary>
    internal void KillRank(int rank)
    {
        foreach (
            string folder in Directory
                .EnumerateDirectories("/proc")
                .Where(folder => int.TryParse(Path.GetFileName(folder), out _))
        )
        {
            try
            {
                string[] standing = File.ReadAllText(Path.Combine(folder, "stat")).Split(") ")[^1].Split(' ');
                if (
                    standing[1] != $"{Id}"
                    || !File.ReadAllText(Path.Combine(folder, "environ")).Split('\0').Contains($"RANK={rank}")
                )
                    continue;
                using var found = Process.GetProcessById(int.Parse(Path.GetFileName(folder)));
                found.Kill();
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended, or is another user's.
            }
        }
        throw new InvalidOperationException($"rank {rank} was not found among the processes.");
    }

    /// <summary>Its exit code and what it wrote, once it has ended.</summary>
    internal CommandRun End()
    {
        _process.WaitForExit();
        return new CommandRun(_process.ExitCode, _output.Result, _errors.Result);
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }
}
