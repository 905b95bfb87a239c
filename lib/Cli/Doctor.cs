using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using PatchKit.Data.Images;
using PatchKit.Torch;
using PatchKit.Torch.Calls;
using PatchKit.Torch.Distributed;
using TorchSharp;

namespace PatchKit.Cli;

/// <summary>Looks at the installation, from the runtime up to a small training run.</summary>
internal static class Doctor
{
    /// <summary>All checks in order. What needs libtorch is left out where it does not load.</summary>
    internal static IEnumerable<Check> Examine()
    {
        yield return DotNet();
        yield return Cpu();
        if (OperatingSystem.IsLinux())
            yield return Launcher();
        foreach (var check in EngineChecks.All())
        {
            yield return check;
            if (check is { Name: "TorchSharp", Standing: Standing.Broken })
                yield break;
        }
        yield return Images();
        yield return Threads();
        if (OperatingSystem.IsLinux())
            yield return Memory();
        yield return Cuda();
        yield return DataParallel();
        yield return Training();
        yield return Data();
        yield return Notebooks();
    }

    private static Check DotNet() =>
        new(
            ".NET",
            Standing.Ok,
            $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription} "
                + $"({RuntimeInformation.RuntimeIdentifier})"
        );

    private static Check Cpu()
    {
        string features = string.Join(
            ", ",
            new[] { (Avx512F.IsSupported, "AVX-512"), (Avx2.IsSupported, "AVX2"), (Fma.IsSupported, "FMA") }
                .Where(f => f.Item1)
                .Select(f => f.Item2)
        );
        return Avx2.IsSupported && Fma.IsSupported || RuntimeInformation.ProcessArchitecture != Architecture.X64
            ? new(
                "CPU",
                Standing.Ok,
                $"{Environment.ProcessorCount} "
                    + $"cores, {(features.Length > 0 ? features : RuntimeInformation.ProcessArchitecture.ToString())}"
            )
            : new(
                "CPU",
                Standing.Degraded,
                $"{Environment.ProcessorCount} cores without AVX2 and FMA",
                "The scan and attention kernels run at a fraction of their speed; any x86 processor since "
                    + "2013 has both."
            );
    }

    private static Check Launcher() =>
        Environment.GetEnvironmentVariable("PATCHKIT_LAUNCHER") is not null
            ? new("launcher", Standing.Ok, "thread and memory settings were made before the process started")
            : new(
                "launcher",
                Standing.Degraded,
                "not started by bin/patchkit, so thread and memory settings may be missing",
                "Start it as bin/patchkit, or source environment/env.sh first."
            );

    private static Check Images() =>
        ImageLibrary.Present
            ? new(
                "images",
                Standing.Ok,
                "JPEG and PNG are decoded by libjpeg-turbo and libpng, whose pixels are Pillow's, all else "
                    + "by ImageSharp"
            )
            : new(
                "images",
                Standing.Degraded,
                "all are decoded by ImageSharp: a JPEG's pixels then differ from Pillow's by up "
                    + $"to {ImageSharpCodec.MostLevelsFromPillow} of 255 levels; resizing gives the same bytes, slower",
                ImageLibrary.Absence
            );

    private static Check Threads()
    {
        int threads = torch.get_num_threads(),
            cores = Environment.ProcessorCount;
        string found =
            $"libtorch uses {threads} of {cores} cores, "
            + $"OMP_WAIT_POLICY={Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") ?? "unset"}";
        if (
            !string.Equals(
                Environment.GetEnvironmentVariable("OMP_WAIT_POLICY"),
                "PASSIVE",
                StringComparison.OrdinalIgnoreCase
            )
        )
            return new(
                "threads",
                Standing.Degraded,
                found,
                "Idle OpenMP threads spin and take time from the others; set OMP_WAIT_POLICY=PASSIVE before "
                    + "the start, as bin/patchkit does."
            );
        return threads > cores ? new("threads", Standing.Degraded, found, $"Set OMP_NUM_THREADS to at most {cores}.")
            : threads < cores && Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null
                ? new(
                    "threads",
                    Standing.Degraded,
                    found,
                    $"Set OMP_NUM_THREADS={cores} before the start, as bin/patchkit does."
                )
            : new("threads", Standing.Ok, found);
    }

    private static Check Memory()
    {
        string mapped = Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") ?? "unset",
            trim = Environment.GetEnvironmentVariable("MALLOC_TRIM_THRESHOLD_") ?? "unset";
        string found = $"MALLOC_MMAP_THRESHOLD_={mapped}, MALLOC_TRIM_THRESHOLD_={trim}";
        return mapped != "unset" && trim != "unset"
            ? new("memory", Standing.Ok, found)
            : new(
                "memory",
                Standing.Degraded,
                found,
                "Large tensors are mapped afresh at each step, up to ten times slower; start as "
                    + "bin/patchkit, or source environment/env.sh first."
            );
    }

    private static Check Cuda()
    {
        int devices = torch.cuda.device_count();
        if (devices > 0)
        {
            string found = $"{devices} device(s): {string.Join(", ", CudaDriver.Gpus())}";
            return CudaLibrary.WhyMissing is { Length: > 0 } why
                ? new("CUDA", Standing.Degraded, $"{found}; without fused operators", why)
                : new("CUDA", Standing.Ok, $"{found}; fused operators by libpatchkit_cuda.so");
        }
        bool driver = CudaDriver.Gpus().Any();
        return driver
            ? new(
                "CUDA",
                Standing.Degraded,
                $"the machine has {string.Join(", ", CudaDriver.Gpus())}, but this libtorch was built without CUDA",
                "Run environment/setup.sh --device cuda, which takes TorchSharp's libtorch for GPUs."
            )
            : new("CUDA", Standing.Ok, "no GPU here; everything runs on the CPU");
    }

    private static Check DataParallel()
    {
        var backends = ProcessGroup.Backends;
        if (backends == CollectiveBackends.None)
            return new("data parallel", Standing.Degraded, "one process alone can train", ProcessGroup.Absence);
        (CollectiveBackends Backend, string Name)[] known =
        [
            (CollectiveBackends.Gloo, "Gloo on CPUs"),
            (CollectiveBackends.Nccl, "NCCL on GPUs"),
        ];
        var names = known.Where(own => backends.HasFlag(own.Backend)).Select(own => own.Name);
        string found = $"several processes can train together ({string.Join(", ", names)})";
        return torch.cuda.device_count() > 1 && !backends.HasFlag(CollectiveBackends.Nccl)
            ? new(
                "data parallel",
                Standing.Degraded,
                $"{found}; on this machine's {torch.cuda.device_count()} GPUs through host memory, more slowly",
                $"NCCL: {Nccl.Absence}."
            )
            : new("data parallel", Standing.Ok, found);
    }

    private static Check Training()
    {
        var losses = SmallNetwork.Train(steps: 20);
        return losses[^1] < losses[0]
            ? new(
                "training",
                Standing.Ok,
                $"a small network's loss falls from {losses[0]:F4} to {losses[^1]:F4} in 20 steps"
            )
            : new(
                "training",
                Standing.Broken,
                $"a small network's loss went from {losses[0]:F4} to {losses[^1]:F4} in 20 steps",
                "Gradients are wrong here; run the tests (environment/test.sh) and report what fails."
            );
    }

    private static Check Data()
    {
        string folder = Environment.GetEnvironmentVariable("PATCHKIT_DATA") ?? "";
        if (folder.Length == 0)
            return new("data", Standing.Ok, "no data folder set (PATCHKIT_DATA); generated images need none");
        return Directory.Exists(folder)
            ? new("data", Standing.Ok, folder)
            : new(
                "data",
                Standing.Degraded,
                $"PATCHKIT_DATA={folder} does not exist",
                "Create it, or unset PATCHKIT_DATA."
            );
    }

    private static Check Notebooks()
    {
        if (!File.Exists(Path.Combine(AppContext.BaseDirectory, "csnotebook")))
            return new(
                "notebooks",
                Standing.Ok,
                "no csnotebook beside this program; environment/setup.sh builds it into bin/"
            );
        string? data = Environment.GetEnvironmentVariable("JUPYTER_DATA_DIR"),
            home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        bool installed = new[]
        {
            data ?? Path.Combine(home, ".local", "share", "jupyter"),
            "/usr/local/share/jupyter",
            "/usr/share/jupyter",
        }.Any(folder => File.Exists(Path.Combine(folder, "kernels", "csnotebook", "kernel.json")));
        return new(
            "notebooks",
            Standing.Ok,
            installed
                ? "csnotebook is built, and installed as a Jupyter kernel"
                : "csnotebook is built; `bin/csnotebook install` lets VS Code and JupyterLab find it"
        );
    }
}
