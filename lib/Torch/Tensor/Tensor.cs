namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// An n-dimensional array of one element type on one device, with its place in the autograd graph.
    /// Native memory is freed by <see cref="Dispose()"/>, by the dispose scope it was made in, or, as a safety net, after a garbage collection.
    /// </summary>
    public partial class Tensor : IDisposable
    {
        private nint _handle;
        private readonly long _bytes;
        private TensorGuard? _guard;

        internal DisposeScope? OwningDisposeScope { get; private set; }
        internal int ScopeIndex { get; set; }

        /// <summary>Takes over one reference to a native tensor; bytes is what this handle alone holds.</summary>
        internal Tensor(nint handle, long bytes = 0, bool register = true)
        {
            (_handle, _bytes) = (handle, bytes);
            var thread = DisposeScopeManager.ThreadSingleton;
            thread.Ledger.Made(bytes);
            if (!register || !thread.Register(this)) _guard = TensorGuard.Over(this, thread);
        }

        private Tensor()
        {
        }

        /// <summary>A tensor that holds nothing, as operators return for results that were not asked for.</summary>
        internal static Tensor Undefined() => new();

        /// <summary>The native tensor.</summary>
        /// <exception cref="ObjectDisposedException">The tensor was disposed, by hand or by the scope it was made in.</exception>
        public nint Handle => _handle != 0 ? _handle : throw Disposed();

        private static ObjectDisposedException Disposed() => new(nameof(Tensor),
            "This tensor was disposed, by hand or with the dispose scope it was made in; return it with MoveToOuterDisposeScope().");

        /// <summary>Tensors alive in this process: made and neither disposed nor finalized.</summary>
        public static long TotalCount => TensorLedger.TotalLive;

        /// <summary>Whether the tensor was disposed.</summary>
        public bool IsInvalid => _handle == 0;

        /// <summary>Frees the native tensor; using this one afterwards is an error.</summary>
        public void Dispose()
        {
            if (_handle == 0) return;
            var thread = DisposeScopeManager.ThreadSingleton;
            Native.pk_release(Take(thread));
            thread.Counts.Disposed(inScope: OwningDisposeScope is not null);
            OwningDisposeScope?.Remove(this);
        }

        /// <summary>Gives the native reference away; this tensor is empty afterwards, and in no scope.</summary>
        internal (nint Handle, long Bytes) MoveHandle()
        {
            if (_handle == 0) throw Disposed();
            nint handle = Take(DisposeScopeManager.ThreadSingleton);
            OwningDisposeScope?.Remove(this);
            return (handle, _bytes);
        }

        private nint Take(DisposeScopeManager thread)
        {
            nint handle = _handle;
            _handle = 0;
            thread.Ledger.Released(_bytes);
            _guard?.StandDown(thread);
            _guard = null;
            return handle;
        }

        /// <summary>
        /// A tensor in a scope is the scope's to free and needs no finalizer, which would cost more than the rest of the call;
        /// one in no scope gets a guard, which frees it when the garbage collector finds it unreachable.
        /// </summary>
        internal void SetScope(DisposeScope? scope)
        {
            OwningDisposeScope = scope;
            bool guarded = scope is null && _handle != 0;
            if (guarded == _guard is not null) return;
            var thread = DisposeScopeManager.ThreadSingleton;
            _guard?.StandDown(thread);
            _guard = guarded ? TensorGuard.Over(this, thread) : null;
        }

        /// <summary>Frees the native tensor of a C# tensor that nobody can reach any more.</summary>
        internal void FreeCollected()
        {
            nint handle = _handle;
            if (handle == 0) return;
            _handle = 0;
            Native.pk_release(handle);
            DisposeScopeManager.ThreadSingleton.Ledger.Released(_bytes);
        }

        /// <summary>Hands the tensor to the scope around the one it is in, or to none.</summary>
        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        /// <summary>Takes the tensor out of all scopes: whoever holds it disposes it.</summary>
        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        // -- what it is ----------------------------------------------------------------------------------------------

        /// <summary>The number of dimensions.</summary>
        public long dim() => Read(Native.pk_dim(Handle));

        /// <summary>The number of dimensions.</summary>
        public long ndim => dim();

        /// <summary>The number of elements.</summary>
        public long numel() => Read(Native.pk_numel(Handle));

        /// <summary>The element type.</summary>
        public ScalarType dtype => (ScalarType)Read(Native.pk_dtype(Handle));

        /// <summary>The number of bytes in one element.</summary>
        public long element_size() => Read(Native.pk_item_size(Handle));

        /// <summary>Whether the elements lie in memory in order, without gaps.</summary>
        public bool is_contiguous() => Read(Native.pk_is_contiguous(Handle)) != 0;

        /// <summary>The sizes of all dimensions.</summary>
        public unsafe long[] shape
        {
            get
            {
                var sizes = new long[dim()];
                fixed (long* p = sizes) Native.pk_sizes(Handle, p);
                GC.KeepAlive(this);
                return sizes;
            }
        }

        /// <summary>The size of one dimension; negative ones count from the end.</summary>
        /// <exception cref="IndexOutOfRangeException">The tensor has no such dimension.</exception>
        public unsafe long size(int dim)
        {
            long n = ndim;
            int i = dim < 0 ? dim + (int)n : dim;
            if (i < 0 || i >= n) throw new IndexOutOfRangeException($"dimension {dim} was asked for, but the tensor has {n}; use {-n} to {n - 1}.");
            long* sizes = stackalloc long[(int)n];
            Native.pk_sizes(Handle, sizes);
            GC.KeepAlive(this);
            return sizes[i];
        }

        /// <summary>The steps in memory, in elements, from one index to the next in each dimension.</summary>
        public unsafe long[] stride()
        {
            var strides = new long[dim()];
            fixed (long* p = strides) Native.pk_strides(Handle, p);
            GC.KeepAlive(this);
            return strides;
        }

        /// <summary>Where the memory lies.</summary>
        public unsafe Device device
        {
            get
            {
                int type, index;
                Native.pk_device(Handle, &type, &index);
                GC.KeepAlive(this);
                return type == (int)DeviceType.CPU ? CPU : new Device((DeviceType)type, index);
            }
        }

        /// <summary>The kind of device the memory lies on.</summary>
        public DeviceType device_type => device.type;

        /// <summary>Whether the element type is a floating-point one.</summary>
        public bool is_floating_point() => torch.is_floating_point(dtype);

        /// <summary>The same object, for a call that has read this tensor's handle.</summary>
        private T Read<T>(T value)
        {
            GC.KeepAlive(this);
            return value;
        }
    }
}
