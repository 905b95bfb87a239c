using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch.Mends;

/// <summary>
/// What environment/torchsharp put in the package's place is what runs, and does what its README says.
/// </summary>
public sealed class GuardTests
{
    private const long Megabyte = 1 << 20;

    [Fact]
    public void TheAssemblyIsWoven()
    {
        var mark = typeof(torch)
            .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(mark => mark.Key == "Woven");
        Assert.Matches(
            @"^1\d\d\d methods, 1\d\d\d native calls, 1\d\d\d objects whose handle was read, "
                + @"\d\d calls whose error nobody asked for$",
            mark.Value
        );
    }

    [Fact]
    public void TheGuardStandsInFrontAndLibtorchLiesBeside()
    {
        Assert.True(Guard.Exists);
        var loaded = File.ReadLines("/proc/self/maps")
            .Select(line => line[(line.LastIndexOf(' ') + 1)..])
            .Distinct()
            .ToList();
        foreach (
            string library in new[] { "libLibTorchSharp.so", "libRawTorchSharp.so", "libtorch_cpu.so", "libc10.so" }
        )
        {
            Assert.Equal(
                Path.Combine(AppContext.BaseDirectory, library),
                Assert.Single(loaded, path => Path.GetFileName(path) == library)
            );
        }
    }

    [Fact]
    public void TheNeedOfANewerLibstdcppIsWeak()
    {
        using var readelf = Process.Start(
            new ProcessStartInfo(
                "readelf",
                ["--version-info", "--wide", Path.Combine(AppContext.BaseDirectory, "libRawTorchSharp.so")]
            )
            {
                RedirectStandardOutput = true,
            }
        )!;
        string needs = readelf.StandardOutput.ReadToEnd();
        readelf.WaitForExit();
        Assert.Matches(@"Name: GLIBCXX_3\.4\.32  Flags: WEAK", needs);
        Assert.Matches(@"Name: GLIBCXX_3\.4\.21  Flags: none", needs);
    }

    [Theory]
    [InlineData("THSTensor_matmul has no catch", "mat1 and mat2 shapes cannot be multiplied (2x3 and 5x7)")]
    [InlineData("THSAutograd_grad has no catch", "element 0 of tensors does not require grad")]
    [InlineData("THSTensor_item's error is looked at", "cannot be converted to type int64_t without overflow")]
    public void AnExceptionOutOfANativeIsAnException(string which, string sentence)
    {
        using var scope = NewDisposeScope();
        Action call = which.Split('\'', ' ')[0] switch
        {
            "THSTensor_matmul" => () => ones([2, 3]).matmul(ones([5, 7])),
            "THSAutograd_grad" => () => autograd.grad([ones([3]).sum()], [ones([3])]),
            _ => () => tensor(1e30).ToScalar().ToInt64(),
        };
        Assert.Contains(sentence, Assert.Throws<ExternalException>(call).Message);
        Assert.Equal(3, ones([3]).sum().ToInt32()); // nothing is left of it
    }

    [Fact]
    public void AModuleThatIsCollectedLeavesItsParameters()
    {
        var weights = Made();
        Garbage.Collect();
        Assert.All(weights, entry => Assert.False(entry.Value.IsInvalid, entry.Key));
        foreach (var weight in weights.Values)
            weight.Dispose();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static Dictionary<string, Tensor> Made() =>
            nn.Sequential(
                    ("norm", nn.LayerNorm(4)),
                    ("linear", nn.Linear(4, 4)),
                    ("batch", nn.BatchNorm1d(4)),
                    ("conv", nn.Conv2d(3, 4, 2))
                )
                .state_dict();
    }

    [Fact]
    public void AnExceptionIsTheSentenceWithoutTheStackOfCpp() =>
        Assert.Equal(
            "The size of tensor a (3) must match the size of tensor b (7) at non-singleton dimension 0",
            Assert.Throws<ExternalException>(() => ones([3]) + ones([7])).Message
        );

    [Fact]
    public void TorchSharpsOwnBackwardTellsWhyANodeFailed()
    {
        using var scope = NewDisposeScope();
        var x = ones([3], requires_grad: true);
        for (int i = 0; i < 2; i++)
        {
            var y = AutogradNode.Run(
                "twice",
                [x],
                () => ([x * 2], []),
                (_, _) => throw new InvalidDataException($"the naïve node failed for the {i}th time")
            )[0];
            Assert.StartsWith(
                $"InvalidDataException in a backward pass: the naïve node failed for the {i}th time",
                Assert.Throws<ExternalException>(() => y.sum().backward()).Message
            );
        }
        Assert.Throws<InvalidDataException>(() =>
            Engine.Backward(
                AutogradNode
                    .Run("twice", [x], () => ([x * 2], []), (_, _) => throw new InvalidDataException("no"))[0]
                    .sum()
            )
        );
    }

    [Fact]
    public void AParameterIsOneTensor()
    {
        Garbage.Collect();
        long before = Tensor.TotalCount;
        using (var parameter = nn.Parameter(ones([3])))
            Assert.Equal(1, Tensor.TotalCount - before);
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void BytesOfTensorsAreCounted()
    {
        Garbage.Collect();
        long live = Guard.pkg_memory_live(),
            blocks = Guard.pkg_memory_blocks();
        Guard.pkg_memory_reset_peak();
        using (var block = empty([Megabyte], float32))
        {
            Assert.InRange(Guard.pkg_memory_live() - live, 4 * Megabyte, 4 * Megabyte + 8192); // malloc rounds up
            Assert.Equal(1, Guard.pkg_memory_blocks() - blocks);
            using var more = block + block;
            Assert.InRange(Guard.pkg_memory_peak() - live, 8 * Megabyte, 8 * Megabyte + 16384);
        }
        Assert.Equal((live, blocks), (Guard.pkg_memory_live(), Guard.pkg_memory_blocks()));
        Guard.pkg_memory_reset_peak();
        Assert.Equal(live, Guard.pkg_memory_peak());
    }

    [Fact]
    public void BeyondTheLimitTensorsAreRefused()
    {
        Guard.pkg_memory_limit(Guard.pkg_memory_live() + Megabyte);
        try
        {
            string sentence = Assert.Throws<ExternalException>(() => empty([2 * Megabyte], uint8)).Message;
            Assert.Matches(
                @"^can't allocate memory: 2097152 bytes were asked for, but tensors hold "
                    + @"\d+ of the \d+ bytes that they may",
                sentence
            );
        }
        finally
        {
            Guard.pkg_memory_limit(0);
        }
        empty([2 * Megabyte], uint8).Dispose();
        Assert.StartsWith(
            "can't allocate memory: 140737488355328 bytes were asked for",
            Assert.Throws<ExternalException>(() => empty([1L << 45])).Message
        );
    }

    [Fact]
    public void MklTakesItsFastPathUnlessItIsToldOtherwise()
    {
        using var a = rand([64, 64]);
        using var b = a.matmul(a);
        Assert.Equal(Environment.GetEnvironmentVariable("PATCHKIT_MKL_FAST") == "0" ? 0 : 1, Guard.pkg_mkl_fast());
    }

    // With oneDNN 3.7.1 values or gradients of each of these are off by half their size, on a CPU with AVX-512 or AVX2.
    [Theory]
    [InlineData(8, 8)]
    [InlineData(24, 24)]
    [InlineData(12, 12)]
    [InlineData(5, 7)]
    public void AConvolutionIsRightWhateverItsChannels(int channels, int filters)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var (image, weight, gradient) = (
            randn([4, channels, 12, 12]),
            randn([filters, channels, 3, 3]),
            randn([4, filters, 12, 12])
        );
        foreach (var (found, right) in Convolution(float32).Zip(Convolution(float64)))
            Assert.InRange(((found.to_type(float64) - right).abs().max() / right.abs().max()).item<double>(), 0, 1e-5);
        Assert.Equal(Environment.GetEnvironmentVariable("PATCHKIT_ONEDNN") == "1" ? 1 : 0, Guard.pkg_onednn());

        IEnumerable<Tensor> Convolution(ScalarType type)
        {
            var (x, w) = (image.to_type(type).requires_grad_(), weight.to_type(type).requires_grad_());
            var value = nn.functional.conv2d(x, w, padding: [1, 1]);
            return [value, .. autograd.grad([value], [x, w], [gradient.to_type(type)])];
        }
    }
}
