namespace TorchSharp;

public static partial class torch
{
    /// <summary>Where a tensor's memory lies: the CPU, or a CUDA device by index (-1 for the current one).</summary>
    public class Device
    {
        // libtorch keeps an index in 8 bits and would take 256 for 0.
        private const int MaxIndex = 127;

        /// <summary>The kind of device.</summary>
        public DeviceType type { get; }

        /// <summary>The device's index; -1 for the current device of its kind.</summary>
        public int index { get; }

        /// <summary>A device from "cpu", "cuda" or "cuda:1".</summary>
        /// <exception cref="ArgumentException">The description names no device that PatchKit knows.</exception>
        public Device(string description)
        {
            ArgumentNullException.ThrowIfNull(description);
            string[] parts = description.Split(':');
            type = parts[0].ToLowerInvariant() switch
            {
                "cpu" => DeviceType.CPU,
                "cuda" => DeviceType.CUDA,
                "meta" => DeviceType.META,
                _ => throw new ArgumentException($"\"{description}\" is no device; use \"cpu\", \"cuda\" or \"cuda:0\"."),
            };
            index = parts.Length == 1 ? -1
                : parts.Length == 2 && int.TryParse(parts[1], out int i) && i is >= 0 and <= MaxIndex ? i
                : throw new ArgumentException($"\"{description}\" has no valid index; use \"cuda:0\" for the first device.");
        }

        /// <summary>A device by kind and index.</summary>
        /// <exception cref="ArgumentException">The kind is none that PatchKit knows, or the index is out of range.</exception>
        public Device(DeviceType deviceType, int index = -1)
        {
            if (deviceType is not (DeviceType.CPU or DeviceType.CUDA or DeviceType.META))
                throw new ArgumentException($"{(int)deviceType} is no kind of device; use DeviceType.CPU, CUDA or META.");
            if (index is < -1 or > MaxIndex)
                throw new ArgumentException($"device index {index} is outside 0..{MaxIndex}; use -1 for the current device.");
            (type, this.index) = (deviceType, index);
        }

        /// <inheritdoc/>
        public override string ToString() => index < 0 ? type.ToString().ToLowerInvariant() : $"{type.ToString().ToLowerInvariant()}:{index}";

        /// <summary>A device from its description.</summary>
        public static implicit operator Device(string description) => new(description);

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is Device other && other.type == type && other.index == index;

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(type, index);
    }

    /// <summary>The CPU.</summary>
    public static readonly Device CPU = new(DeviceType.CPU);

    /// <summary>The current CUDA device.</summary>
    public static Device CUDA { get; } = new(DeviceType.CUDA);

    /// <summary>A device from "cpu", "cuda" or "cuda:1".</summary>
    /// <exception cref="ArgumentException">The description names no device that PatchKit knows.</exception>
    public static Device device(string description) => new(description);

    /// <summary>A device by kind and index.</summary>
    public static Device device(DeviceType deviceType, int index = -1) => new(deviceType, index);
}
