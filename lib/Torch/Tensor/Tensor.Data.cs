using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Op ItemOp = "aten::item";

        /// <summary>The value of a one-element tensor.</summary>
        /// <exception cref="TorchException">The tensor holds more or fewer elements.</exception>
        public Scalar ToScalar() => ItemOp.CallScalar(this);

        /// <summary>The value of a one-element tensor as a C# number; its type must be the dtype's.</summary>
        /// <exception cref="ArgumentException"><typeparamref name="T"/> is not the dtype's C# type.</exception>
        public T item<T>() where T : unmanaged
        {
            Expect<T>();
            var value = ToScalar();
            return typeof(T) == typeof(float) ? (T)(object)value.ToSingle()
                : typeof(T) == typeof(double) ? (T)(object)value.ToDouble()
                : typeof(T) == typeof(bool) ? (T)(object)value.ToBoolean()
                : typeof(T) == typeof(Half) ? (T)(object)(Half)value.ToDouble()
                : (T)Convert_(value.ToInt64());

            static object Convert_(long whole) => System.Convert.ChangeType(whole, typeof(T));
        }

        /// <summary>The elements as C# numbers; the type must be the dtype's, and the tensor on the CPU.</summary>
        /// <exception cref="ArgumentException"><typeparamref name="T"/> is not the dtype's C# type.</exception>
        /// <exception cref="InvalidOperationException">The tensor is not on the CPU.</exception>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            Expect<T>();
            ExpectCpu();
            return new TensorAccessor<T>(this);
        }

        /// <summary>The memory of a contiguous CPU tensor; valid while the tensor is alive.</summary>
        /// <exception cref="InvalidOperationException">The tensor is not on the CPU, or not contiguous.</exception>
        public unsafe Span<byte> bytes
        {
            get
            {
                ExpectCpu();
                if (!is_contiguous()) throw new InvalidOperationException("Only a contiguous tensor has its bytes in order; call contiguous() first.");
                return new Span<byte>(DataPointer, checked((int)(numel() * element_size())));
            }
        }

        /// <summary>The address of the first element.</summary>
        internal unsafe void* DataPointer
        {
            get
            {
                void* data = Native.pk_data(Handle);
                if (data is null && numel() > 0) throw new InvalidOperationException("This tensor keeps no memory that C# can read; call contiguous() or cpu() first.");
                GC.KeepAlive(this);
                return data;
            }
        }

        private void Expect<T>() where T : unmanaged
        {
            if (ToScalarType(typeof(T)) != dtype)
                throw new ArgumentException($"The tensor holds {dtype}, but {typeof(T).Name} was asked for; convert with .to(torch.{ToScalarType(typeof(T)).ToString().ToLowerInvariant()}) first.");
        }

        private void ExpectCpu()
        {
            if (device_type != DeviceType.CPU)
                throw new InvalidOperationException($"The tensor is on {device}; its memory can be read after .cpu().");
        }
    }
}
