namespace TorchSharp;

/// <summary>Kinds of device. The values are libtorch's own.</summary>
public enum DeviceType
{
    /// <summary>The processor.</summary>
    CPU = 0,
    /// <summary>An NVIDIA GPU.</summary>
    CUDA = 1,
    /// <summary>No memory at all: shapes and dtypes only.</summary>
    META = 14,
}
