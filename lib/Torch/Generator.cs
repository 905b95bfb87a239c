namespace TorchSharp;

public static partial class torch
{
    /// <summary>A stream of random numbers on one device, with a state that can be saved and restored.</summary>
    public class Generator : IDisposable
    {
        private nint _handle;

        /// <summary>The generator's device.</summary>
        public Device device { get; }

        /// <summary>The native generator.</summary>
        /// <exception cref="ObjectDisposedException">The generator was disposed.</exception>
        public nint Handle => _handle != 0 ? _handle : throw new ObjectDisposedException(nameof(Generator));

        /// <summary>A generator of its own, seeded.</summary>
        public Generator(ulong seed = 0, Device? device = null)
        {
            this.device = device ?? CPU;
            _handle = Native.Check(Native.pk_generator((int)this.device.type, this.device.index, (long)seed), "Generator");
        }

        private Generator(Device device, nint handle) => (this.device, _handle) = (device, handle);

        /// <summary>The CPU's default generator, which operators use when none is given.</summary>
        public static Generator Default => DefaultOf(CPU);

        internal static Generator DefaultOf(Device device) =>
            new(device, Native.Check(Native.pk_default_generator((int)device.type, device.index), "Generator"));

        /// <summary>The generator's state as a byte tensor.</summary>
        public Tensor get_state()
        {
            var state = new Tensor(Native.Check(Native.pk_generator_state(Handle), "Generator.get_state"));
            GC.KeepAlive(this);
            return state;
        }

        /// <summary>Sets the state that <see cref="get_state"/> gave.</summary>
        /// <exception cref="TorchException">The state is no state of this kind of generator.</exception>
        public void set_state(Tensor value)
        {
            ArgumentNullException.ThrowIfNull(value);
            Native.Check(Native.pk_set_generator_state(Handle, value.Handle), "Generator.set_state");
            GC.KeepAlive(value);
            GC.KeepAlive(this);
        }

        /// <summary>Seeds the generator.</summary>
        public Generator manual_seed(long seed)
        {
            Native.Check(Native.pk_set_generator_seed(Handle, seed), "Generator.manual_seed");
            GC.KeepAlive(this);
            return this;
        }

        /// <summary>The seed last set.</summary>
        public long initial_seed()
        {
            long seed = Native.pk_generator_seed(Handle);
            GC.KeepAlive(this);
            return seed;
        }

        /// <summary>Releases the native generator.</summary>
        ~Generator() => Release();

        /// <inheritdoc/>
        public void Dispose()
        {
            Release();
            GC.SuppressFinalize(this);
        }

        private void Release()
        {
            if (Interlocked.Exchange(ref _handle, 0) is var handle && handle != 0) Native.pk_release_generator(handle);
        }
    }
}
