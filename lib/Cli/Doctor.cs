using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;

namespace PatchKit.Cli;

/// <summary>Looks at the installation, from the runtime up to a small training run.</summary>
internal static class Doctor
{
    private static readonly string Maps = File.Exists("/proc/self/maps") ? "/proc/self/maps" : "";

    /// <summary>All checks in order. What needs libtorch is left out once libtorch has turned out to be broken.</summary>
    internal static IEnumerable<Check> Examine()
    {
        yield return DotNet();
        yield return Cpu();
        yield return Launcher();
        var home = TorchHome();
        if (home is not null) yield return home;
        if (home?.Standing == Standing.Broken) yield break;
        var torch = Libtorch();
        yield return torch;
        if (torch.Standing == Standing.Broken) yield break;
        yield return Blas();
        yield return Threads();
        yield return Memory();
        yield return Cuda();
        yield return Operators();
        yield return DataParallel();
        yield return Training();
        yield return Kernels();
        yield return Data();
        yield return Notebooks();
    }

    private static Check DotNet() => new(".NET", Standing.Ok, $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription} ({RuntimeInformation.RuntimeIdentifier})");

    private static Check Cpu()
    {
        string features = string.Join(", ", new[] { (Avx512F.IsSupported, "AVX-512"), (Avx2.IsSupported, "AVX2"), (Fma.IsSupported, "FMA") }.Where(f => f.Item1).Select(f => f.Item2));
        return Avx2.IsSupported && Fma.IsSupported || RuntimeInformation.ProcessArchitecture != Architecture.X64
            ? new("CPU", Standing.Ok, $"{Environment.ProcessorCount} cores, {(features.Length > 0 ? features : RuntimeInformation.ProcessArchitecture.ToString())}")
            : new("CPU", Standing.Degraded, $"{Environment.ProcessorCount} cores without AVX2 and FMA", "The scan and attention kernels run at a fraction of their speed; any x86 processor since 2013 has both.");
    }

    private static Check Launcher() => Environment.GetEnvironmentVariable("PATCHKIT_LAUNCHER") is not null
        ? new("launcher", Standing.Ok, "thread and memory settings were made before the process started")
        : new("launcher", Standing.Degraded, "not started by bin/patchkit, so thread and memory settings may be missing", "Start it as bin/patchkit, or source environment/env.sh first.");

    private static Check? TorchHome()
    {
        if (Environment.GetEnvironmentVariable("TORCH_HOME") is not { Length: > 0 } home) return null;
        if (!File.Exists(Path.Combine(home, "lib", "libtorch_cpu.so")))
            return new("TORCH_HOME", Standing.Broken, $"{home} holds no lib/libtorch_cpu.so", "Point it at an unpacked libtorch or the torch folder of a pip-installed PyTorch, or unset it, and run environment/setup.sh.");
        return new("TORCH_HOME", Standing.Ok, home);
    }

    private static Check Libtorch()
    {
        try
        {
            string path = Engine.LibtorchPath, home = Environment.GetEnvironmentVariable("TORCH_HOME") ?? "";
            string found = $"{Engine.LibtorchVersion} from {path}";
            return home.Length > 0 && !Path.GetFullPath(path).StartsWith(Path.GetFullPath(home), StringComparison.Ordinal)
                ? new("libtorch", Standing.Degraded, found, $"It is not the one in TORCH_HOME={home}; run environment/setup.sh --torch {home}.")
                : new("libtorch", Standing.Ok, found);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or TypeInitializationException or EntryPointNotFoundException)
        {
            return new("libtorch", Standing.Broken, (e.InnerException ?? e).Message, "Run environment/setup.sh, which finds libtorch and builds lib/Native against it.");
        }
    }

    private static Check Blas()
    {
        string? library = LoadedLibraries().FirstOrDefault(l => l.Contains("blas", StringComparison.OrdinalIgnoreCase) || l.Contains("mkl", StringComparison.OrdinalIgnoreCase));
        if (library is null) return new("BLAS", Standing.Ok, "inside libtorch");
        if (library.Contains("openblas-pthread") && Environment.GetEnvironmentVariable("OPENBLAS_NUM_THREADS") != "1")
            return new("BLAS", Standing.Degraded, $"{library}, which fights libtorch's own threads", "Install libopenblas0-openmp, or set OPENBLAS_NUM_THREADS=1 before the start, as bin/patchkit does.");
        if (!library.Contains("openblas") && !library.Contains("mkl"))
            return new("BLAS", Standing.Degraded, $"{library}, the slow reference BLAS", "Install libopenblas0-openmp (environment/setup.sh does).");
        return new("BLAS", Standing.Ok, library);
    }

    private static Check Threads()
    {
        int threads = torch.get_num_threads(), cores = Environment.ProcessorCount;
        string found = $"libtorch uses {threads} of {cores} cores, OMP_WAIT_POLICY={Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") ?? "unset"}";
        if (!string.Equals(Environment.GetEnvironmentVariable("OMP_WAIT_POLICY"), "PASSIVE", StringComparison.OrdinalIgnoreCase))
            return new("threads", Standing.Degraded, found, "Idle OpenMP threads spin and take time from the others; set OMP_WAIT_POLICY=PASSIVE before the start, as bin/patchkit does.");
        return threads > cores
            ? new("threads", Standing.Degraded, found, $"Set OMP_NUM_THREADS to at most {cores}.")
            : threads < cores && Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null
            ? new("threads", Standing.Degraded, found, $"Set OMP_NUM_THREADS={cores} before the start, as bin/patchkit does.")
            : new("threads", Standing.Ok, found);
    }

    private static Check Memory()
    {
        string mapped = Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") ?? "unset", trim = Environment.GetEnvironmentVariable("MALLOC_TRIM_THRESHOLD_") ?? "unset";
        string found = $"MALLOC_MMAP_THRESHOLD_={mapped}, MALLOC_TRIM_THRESHOLD_={trim}";
        return mapped != "unset" && trim != "unset"
            ? new("memory", Standing.Ok, found)
            : new("memory", Standing.Degraded, found, "Large tensors are mapped afresh at each step, up to ten times slower; start as bin/patchkit, or source environment/env.sh first.");
    }

    private static Check Cuda()
    {
        int devices = torch.cuda.device_count();
        if (devices > 0) return new("CUDA", Standing.Ok, $"{devices} device(s): {string.Join(", ", CudaDriver.Gpus())}");
        bool driver = CudaDriver.Gpus().Any();
        return driver
            ? new("CUDA", Standing.Degraded, $"the machine has {string.Join(", ", CudaDriver.Gpus())}, but this libtorch was built without CUDA", "Run environment/setup.sh --torch DIR with a CUDA libtorch or the torch folder of a pip-installed PyTorch.")
            : new("CUDA", Standing.Ok, "no GPU here; everything runs on the CPU");
    }

    private static Check Operators()
    {
        var missing = Engine.AbsentOperators().ToList();
        if (missing.Count > 0) return new("operators", Standing.Degraded, $"not in this build: {string.Join(", ", missing)}", "Run environment/setup.sh again; the slower tensor-operator forms are used meanwhile.");
        if (torch.cuda.device_count() == 0) return new("operators", Standing.Ok, "all of PatchKit's own operators are registered");
        var composed = Engine.ComposedOperators(torch.CUDA).ToList();
        return composed.Count == 0
            ? new("operators", Standing.Ok, "all of PatchKit's own operators are registered, with CUDA kernels")
            : new("operators", Standing.Degraded, $"no CUDA kernels in this build for {string.Join(", ", composed)}; on the GPU their slower tensor-operator forms are used", "Install nvcc (NVIDIA's CUDA toolkit, of libtorch's CUDA version), then run environment/setup.sh again.");
    }

    private static Check DataParallel()
    {
        var backends = ProcessGroup.Backends;
        if (backends == CollectiveBackends.None) return new("data parallel", Standing.Degraded, "one process alone can train", ProcessGroup.Absence);
        string found = $"several processes can train together ({string.Join(", ", new[] { (CollectiveBackends.Gloo, "Gloo on CPUs"), (CollectiveBackends.Nccl, "NCCL on GPUs") }.Where(own => backends.HasFlag(own.Item1)).Select(own => own.Item2))})";
        return torch.cuda.device_count() > 1 && !backends.HasFlag(CollectiveBackends.Nccl)
            ? new("data parallel", Standing.Degraded, $"{found}, but not on this machine's {torch.cuda.device_count()} GPUs", "Install NCCL's and CUDA's headers (libnccl-dev, or those that came with a pip-installed torch), then run environment/setup.sh again.")
            : new("data parallel", Standing.Ok, found);
    }

    private static Check Training()
    {
        var losses = SmallNetwork.Train(steps: 20);
        return losses[^1] < losses[0]
            ? new("training", Standing.Ok, $"a small network's loss falls from {losses[0]:F4} to {losses[^1]:F4} in 20 steps")
            : new("training", Standing.Broken, $"a small network's loss went from {losses[0]:F4} to {losses[^1]:F4} in 20 steps", "This libtorch computes wrong gradients; use another one (environment/setup.sh --torch DIR).");
    }

    private static Check Kernels()
    {
        string? spec = KernelFolders().Select(f => Path.Combine(f, "kernels")).Where(Directory.Exists)
            .SelectMany(Directory.GetDirectories).FirstOrDefault(d => File.Exists(Path.Combine(d, "kernel.json")) && Path.GetFileName(d).Contains("csharp"));
        return new("notebooks", Standing.Ok, spec is null ? "no C# Jupyter kernel is installed" : $"C# Jupyter kernel in {spec}");
    }

    private static IEnumerable<string> KernelFolders() =>
        [Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local/share/jupyter"), "/usr/local/share/jupyter", "/usr/share/jupyter"];

    private static Check Data()
    {
        string folder = Environment.GetEnvironmentVariable("PATCHKIT_DATA") ?? "";
        if (folder.Length == 0) return new("data", Standing.Ok, "no data folder set (PATCHKIT_DATA); generated images need none");
        return Directory.Exists(folder)
            ? new("data", Standing.Ok, folder)
            : new("data", Standing.Degraded, $"PATCHKIT_DATA={folder} does not exist", "Create it, or unset PATCHKIT_DATA.");
    }

    private static IEnumerable<string> LoadedLibraries() => Maps.Length == 0 ? [] :
        File.ReadLines(Maps).Select(line => line[(line.LastIndexOf(' ') + 1)..]).Where(path => path.StartsWith('/') && path.Contains(".so")).Distinct();

    private static Check Notebooks()
    {
        if (!File.Exists(Path.Combine(AppContext.BaseDirectory, "csnotebook"))) return new("notebooks", Standing.Ok, "no csnotebook beside this program; environment/setup.sh builds it into bin/");
        string? data = Environment.GetEnvironmentVariable("JUPYTER_DATA_DIR"), home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        bool installed = new[] { data ?? Path.Combine(home, ".local", "share", "jupyter"), "/usr/local/share/jupyter", "/usr/share/jupyter" }
            .Any(folder => File.Exists(Path.Combine(folder, "kernels", "csnotebook", "kernel.json")));
        return new("notebooks", Standing.Ok, installed ? "csnotebook is built, and installed as a Jupyter kernel" : "csnotebook is built; `bin/csnotebook install` lets VS Code and JupyterLab find it");
    }
}
