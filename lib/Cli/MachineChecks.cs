using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using PatchKit.Torch;
using PatchKit.Torch.Calls;
using PatchKit.Torch.Distributed;
using TorchSharp;

namespace PatchKit.Cli;

/// <summary>What the engine runs on: runtime, processor, threads, memory, GPUs.</summary>
internal static class MachineChecks
{
    internal static Check DotNet() =>
        Check.Ok(
            ".NET",
            $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription} "
                + $"({RuntimeInformation.RuntimeIdentifier})"
        );

    internal static Check Cpu()
    {
        string features = string.Join(
            ", ",
            new[] { (Avx512F.IsSupported, "AVX-512"), (Avx2.IsSupported, "AVX2"), (Fma.IsSupported, "FMA") }
                .Where(f => f.Item1)
                .Select(f => f.Item2)
        );
        return Avx2.IsSupported && Fma.IsSupported || RuntimeInformation.ProcessArchitecture != Architecture.X64
            ? Check.Ok(
                "CPU",
                $"{Environment.ProcessorCount} "
                    + $"cores, {(features.Length > 0 ? features : RuntimeInformation.ProcessArchitecture.ToString())}"
            )
            : Check.Degraded(
                "CPU",
                $"{Environment.ProcessorCount} cores without AVX2 and FMA",
                "The scan and attention kernels run at a fraction of their speed; any x86 processor since "
                    + "2013 has both."
            );
    }

    internal static Check Launcher() =>
        Environment.GetEnvironmentVariable("PATCHKIT_LAUNCHER") is not null
            ? Check.Ok("launcher", "thread and memory settings were made before the process started")
            : Check.Degraded(
                "launcher",
                "not started by bin/patchkit, so thread and memory settings may be missing",
                "Start it as bin/patchkit, or source environment/env.sh first."
            );

    internal static Check Threads()
    {
        int threads = torch.get_num_threads(),
            cores = Environment.ProcessorCount;
        string policy = Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") ?? "unset";
        bool isSet = Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is not null,
            isPassive = string.Equals(policy, "PASSIVE", StringComparison.OrdinalIgnoreCase);
        string found = $"libtorch uses {threads} of {cores} cores, OMP_WAIT_POLICY={policy}";
        string fix =
            !isPassive
                ? "Idle OpenMP threads spin and take time from the others; set OMP_WAIT_POLICY=PASSIVE before "
                    + "the start, as bin/patchkit does."
            : threads > cores ? $"Set OMP_NUM_THREADS to at most {cores}."
            : threads < cores && !isSet ? $"Set OMP_NUM_THREADS={cores} before the start, as bin/patchkit does."
            : "";
        return fix.Length == 0 ? Check.Ok("threads", found) : Check.Degraded("threads", found, fix);
    }

    internal static Check Memory()
    {
        string mapped = Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") ?? "unset",
            trim = Environment.GetEnvironmentVariable("MALLOC_TRIM_THRESHOLD_") ?? "unset";
        string found = $"MALLOC_MMAP_THRESHOLD_={mapped}, MALLOC_TRIM_THRESHOLD_={trim}";
        return mapped != "unset" && trim != "unset"
            ? Check.Ok("memory", found)
            : Check.Degraded(
                "memory",
                found,
                "Large tensors are mapped afresh at each step, up to ten times slower; start as "
                    + "bin/patchkit, or source environment/env.sh first."
            );
    }

    internal static Check Cuda()
    {
        int devices = torch.cuda.device_count();
        if (devices > 0)
        {
            string found = $"{devices} device(s): {string.Join(", ", CudaDriver.Gpus())}";
            return CudaLibrary.WhyMissing is { Length: > 0 } why
                ? Check.Degraded("CUDA", $"{found}; without fused operators", why)
                : Check.Ok("CUDA", $"{found}; fused operators by libpatchkit_cuda.so");
        }
        bool driver = CudaDriver.Gpus().Any();
        return driver
            ? Check.Degraded(
                "CUDA",
                $"the machine has {string.Join(", ", CudaDriver.Gpus())}, but this libtorch was built without CUDA",
                "Run environment/setup.sh --device cuda, which takes TorchSharp's libtorch for GPUs."
            )
            : Check.Ok("CUDA", "no GPU here; everything runs on the CPU");
    }

    internal static Check DataParallel()
    {
        var backends = ProcessGroup.Backends;
        if (backends == CollectiveBackends.None)
            return Check.Degraded("data parallel", "one process alone can train", ProcessGroup.Absence);
        (CollectiveBackends Backend, string Name)[] known =
        [
            (CollectiveBackends.Gloo, "Gloo on CPUs"),
            (CollectiveBackends.Nccl, "NCCL on GPUs"),
        ];
        var names = known.Where(own => backends.HasFlag(own.Backend)).Select(own => own.Name);
        string found = $"several processes can train together ({string.Join(", ", names)})";
        return torch.cuda.device_count() > 1 && !backends.HasFlag(CollectiveBackends.Nccl)
            ? Check.Degraded(
                "data parallel",
                $"{found}; on this machine's {torch.cuda.device_count()} GPUs through host memory, more slowly",
                $"NCCL: {Nccl.Absence}."
            )
            : Check.Ok("data parallel", found);
    }
}
