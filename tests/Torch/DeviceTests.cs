using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>Devices, threads and what libtorch says of itself.</summary>
public sealed class DeviceTests
{
    [Theory]
    [InlineData("cpu", DeviceType.CPU, -1, "cpu")]
    [InlineData("CPU", DeviceType.CPU, -1, "cpu")]
    [InlineData("cuda", DeviceType.CUDA, -1, "cuda")]
    [InlineData("cuda:1", DeviceType.CUDA, 1, "cuda:1")]
    [InlineData("meta", DeviceType.META, -1, "meta")]
    public void ADescriptionNamesADevice(string description, DeviceType type, int index, string text)
    {
        Device implied = description;
        foreach (var d in new[] { implied, device(description), new Device(description), new Device(type, index), device(type, index) })
        {
            Assert.Equal((type, index, text), (d.type, d.index, d.ToString()));
            Assert.True(d.Equals(implied));
            Assert.Equal(implied.GetHashCode(), d.GetHashCode());
        }
        Assert.False(implied.Equals(new Device(type, 7)));
    }

    [Fact]
    public void WrongDescriptionsAreRefused()
    {
        Refused<ArgumentException>(() => device("gpu"), "\"gpu\"", "cuda:0");
        Refused<ArgumentException>(() => device("cuda:x"), "cuda:x", "index");
        Refused<ArgumentException>(() => device("cuda:-1"), "index");
        Refused<ArgumentException>(() => device("cuda:0:1"), "index");
        Refused<ArgumentException>(() => device("cuda:256"), "index");
        Refused<ArgumentException>(() => device(DeviceType.CUDA, 256), "256", "0..127");
        Refused<ArgumentException>(() => device((DeviceType)77), "77", "no kind of device");
    }

    [Fact]
    public void WithoutCudaItsUseIsRefusedInASentence()
    {
        Assert.Equal(cuda.is_available(), cuda_is_available());
        Assert.Equal(cuda.is_available(), cuda.device_count() > 0);
        Assert.Equal((DeviceType.CUDA, DeviceType.CPU), (CUDA.type, CPU.type));
        if (cuda.is_available())
        {
            Assert.Equal(DeviceType.CUDA, ones(1).cuda().device_type);
            cuda.synchronize();
            return;
        }
        Refused<TorchException>(() => ones(1).cuda(), "aten::to", "cuda");
        Refused<TorchException>(() => zeros(1, device: "cuda:0"), "aten::zeros", "CUDA");
        Refused<TorchException>(() => cuda.synchronize(), "cuda.synchronize", "CUDA");
        Refused<TorchException>(() => new Generator(1, "cuda"), "Generator", "CUDA");
    }

    [Fact]
    public void MetaTensorsHaveShapesOnly()
    {
        var t = zeros([2, 3], device: "meta").matmul(zeros([3, 5], device: "meta"));
        Assert.Equal((DeviceType.META, true), (t.device_type, t.device.Equals(device("meta"))));
        Shape(t, 2, 5);
        Refused<TorchException>(() => t.cpu(), "meta");
        Refused<TorchException>(() => t.add(ones(5)), "aten::add", "device");
        Refused<TorchException>(() => t.sum().ToScalar(), "aten::item", "Meta");
    }

    [Fact]
    public void DtypesKnowWhetherTheyAreFloatingPoint()
    {
        ScalarType[] floating = [float16, bfloat16, float32, float64];
        Assert.All(Enum.GetValues<ScalarType>(), type => Assert.Equal(floating.Contains(type), is_floating_point(type)));
    }

    [Fact]
    public void TheNumberOfThreadsIsSetAndKept()
    {
        int before = get_num_threads();
        try
        {
            set_num_threads(1);
            Assert.Equal(1, get_num_threads());
            Refused<TorchException>(() => set_num_threads(0), "set_num_threads", "1 to 1024");
            Refused<TorchException>(() => set_num_threads(1_000_000), "1000000");
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void TheVersionIsLibtorchs() => Assert.Matches(@"^\d+\.\d+", __version__);
}
