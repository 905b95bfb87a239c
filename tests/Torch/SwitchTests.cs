using PatchKit.Torch;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>What libtorch says of itself, and its switches: determinism, seeds.</summary>
public sealed class SwitchTests
{
    [Fact]
    public void VersionsPathAndBuildAreTold()
    {
        Assert.Equal("2.10.0", Engine.LibtorchVersion);
        Assert.Equal("0.107.0", Engine.TorchSharpVersion);
        Assert.True(File.Exists(Engine.LibtorchPath), Engine.LibtorchPath);
        Assert.Contains("BLAS_INFO=", Engine.BuildConfiguration);
    }

    [Fact]
    public void OperatorsWithoutADeterministicFormAreRefusedOnlyWhenAsked()
    {
        using var scope = NewDisposeScope();
        Assert.False(Engine.Deterministic);
        Engine.Deterministic = true;
        try
        {
            Assert.True(Engine.Deterministic);
            Expect.Refused<System.Runtime.InteropServices.ExternalException>(Scatter, "deterministic");
        }
        finally
        {
            Engine.Deterministic = false;
        }
        Scatter();

        static void Scatter() => nn.functional.max_unpool2d(ones([1, 1, 1, 1]), zeros([1, 1, 1, 1], int64), [2, 2]);
    }

    [Fact]
    public void ASeedIsASeed()
    {
        using var scope = NewDisposeScope();
        Engine.Seed(5);
        var first = rand([4]);
        Engine.Seed(5);
        Expect.SameBits(first, rand([4]));
        manual_seed(5);
        Expect.SameBits(first, rand([4]));
    }

    [Fact]
    public void AForkDrawsFromItsSeedAndLeavesTheStreamAsItWas()
    {
        using var scope = NewDisposeScope();
        Engine.Seed(5);
        var (first, second) = (rand([4]), rand([4]));
        Engine.Seed(5);
        Expect.SameBits(first, rand([4]));
        using (Engine.Seeded(CPU, 9))
            Expect.SameBits(rand([4], generator: new Generator(9)), rand([4]));
        Expect.SameBits(second, rand([4]));
    }
}
