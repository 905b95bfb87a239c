using PatchKit.ScalingLaws;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>The catalogue of GPUs: the driver's name and the short name lead to the same kind.</summary>
public sealed class GpuKindTests
{
    [Theory]
    [InlineData("NVIDIA A100-SXM4-80GB", "a100")]
    [InlineData("NVIDIA A100 80GB PCIe", "a100")]
    [InlineData("NVIDIA A100-PCIE-40GB", "a100-40")]
    [InlineData("Tesla V100-SXM2-16GB", "v100-16")]
    [InlineData("Tesla V100-PCIE-32GB", "v100-pcie")]
    [InlineData("Tesla T4", "t4")]
    [InlineData("NVIDIA A10", "a10")]
    [InlineData("NVIDIA L40S", "l40s")]
    [InlineData("NVIDIA RTX A6000", "a6000")]
    [InlineData("NVIDIA GeForce RTX 4090", "rtx4090")]
    [InlineData("NVIDIA H100 80GB HBM3", "h100")]
    [InlineData("NVIDIA H100 PCIe", "h100-pcie")]
    [InlineData("NVIDIA H100 NVL", "h100-nvl")]
    [InlineData("NVIDIA H200", "h200")]
    [InlineData("NVIDIA H200 NVL", "h200-nvl")]
    [InlineData("NVIDIA B200", "b200")]
    [InlineData("NVIDIA GeForce RTX 4090 Laptop GPU", null)]
    [InlineData("NVIDIA GeForce RTX 3090 Ti", null)]
    [InlineData("NVIDIA A10G", null)]
    [InlineData("NVIDIA A100-SXM4-40GB MIG 1g.5gb", null)]
    [InlineData("NVIDIA GH200 480GB", null)]
    public void TheDriversNameTellsTheKind(string driver, string? name) =>
        Assert.Equal(name, GpuKind.FromDriver(driver)?.Name);

    [Fact]
    public void ShortNamesAreFoundInAnyCaseAndWrongOnesNameTheCatalogue()
    {
        Assert.Equal(312e12, GpuKind.Find("A100-40").Bf16Flops);
        Assert.Equal(40_000_000_000, GpuKind.Find("a100-40").MemoryBytes);
        Expect.Refused<ArgumentException>(() => GpuKind.Find("a1000"), "\"a1000\"", "v100-pcie, v100-16");
        Assert.Equal(GpuKind.All.Count, GpuKind.All.Select(kind => kind.Name).Distinct().Count());
    }

    [Fact]
    public void AGpuWithoutBfloat16TrainsAtItsFloat32Peak() =>
        Assert.Equal(15.7e12, GpuKind.Find("v100").TrainingFlops);
}
