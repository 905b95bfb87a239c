namespace TorchSharp;

public static partial class torch
{
    /// <summary>The version of the libtorch this was built against, such as "1.13.1".</summary>
    public static unsafe string __version__ => Native.Text(Native.pk_version());

    /// <summary>How many threads libtorch's CPU operators use.</summary>
    public static int get_num_threads() => Native.pk_threads();

    /// <summary>Sets how many threads libtorch's CPU operators use.</summary>
    /// <exception cref="TorchException">The number is below 1.</exception>
    public static void set_num_threads(int num) => Native.Check(Native.pk_set_threads(num), "set_num_threads");

    /// <summary>Seeds the default generators of all devices; returns the CPU's.</summary>
    public static Generator manual_seed(long seed)
    {
        Native.Check(Native.pk_manual_seed(seed), "manual_seed");
        return Generator.Default;
    }

    /// <summary>The state of the CPU's default generator.</summary>
    public static Tensor get_rng_state()
    {
        using var generator = Generator.Default;
        return generator.get_state();
    }

    /// <summary>Sets the state of the CPU's default generator.</summary>
    /// <exception cref="TorchException">The tensor is no such state.</exception>
    public static void set_rng_state(Tensor new_state)
    {
        using var generator = Generator.Default;
        generator.set_state(new_state);
    }

    /// <summary>Whether this libtorch and this machine have CUDA.</summary>
    public static bool cuda_is_available() => cuda.is_available();

    /// <summary>NVIDIA GPUs.</summary>
    public static class cuda
    {
        /// <summary>Whether this libtorch and this machine have CUDA.</summary>
        public static bool is_available() => device_count() > 0;

        /// <summary>How many CUDA devices there are.</summary>
        public static int device_count() => Native.pk_cuda_devices();

        /// <summary>Waits until a device has done all work given to it; the current one by default.</summary>
        public static void synchronize(Device? device = null) => Native.Check(Native.pk_cuda_synchronize(device?.index ?? -1), "cuda.synchronize");
    }
}
