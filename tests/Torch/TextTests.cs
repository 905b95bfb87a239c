using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>What a tensor prints.</summary>
public sealed class TextTests
{
    private static void Prints(Tensor t, params string[] lines) => Assert.Equal(string.Join(Environment.NewLine, lines), t.ToString().ReplaceLineEndings());

    [Fact]
    public void SmallTensorsPrintAllValues()
    {
        Prints(tensor(new[,] { { 1.5, -2.25 }, { 0, 10 } }), "[2x2], type = Float64, device = cpu", "[[ 1.5000, -2.2500],", " [ 0.0000, 10.0000]]");
        Prints(tensor([1f, 2, 3]), "[3], type = Float32, device = cpu", "[1, 2, 3]");
        Prints(tensor([true, false]), "[2], type = Bool, device = cpu", "[ True, False]");
        Prints(tensor([-1L, 9007199254740993]), "[2], type = Int64, device = cpu", "[              -1, 9007199254740993]");
        Prints(tensor([0.5f]).to(bfloat16), "[1], type = BFloat16, device = cpu", "[0.5000]");
        Prints(arange(8).reshape(2, 2, 2), "[2x2x2], type = Int64, device = cpu", "[[[0, 1],", "  [2, 3]],", "", " [[4, 5],", "  [6, 7]]]");
    }

    [Fact]
    public void UnusualValuesPrint()
    {
        Prints(tensor(3.0), "[], type = Float64, device = cpu", "3");
        Prints(zeros([0, 2]), "[0x2], type = Float32, device = cpu", "[]");
        Prints(tensor([1e-6, 1]), "[2], type = Float64, device = cpu", "[0.0000, 1.0000]");
        Prints(tensor([1e-6, 2e-5]), "[2], type = Float64, device = cpu", "[1.0000e-06, 2.0000e-05]");
        Prints(tensor([123456.5]), "[1], type = Float64, device = cpu", "[1.2346e+05]");
        Prints(tensor([double.NaN, double.PositiveInfinity, 1]), "[3], type = Float64, device = cpu", "[     NaN, Infinity,   1.0000]");
        Prints(zeros(2, device: "meta"), "[2], type = Float32, device = meta", "(no values on the meta device)");
        Prints(ones(1, requires_grad: true) * 2, "[1], type = Float32, device = cpu", "[2]");
    }

    [Fact]
    public void LargeTensorsPrintTheirEdges()
    {
        Prints(arange(1000), "[1000], type = Int64, device = cpu", "[  0,   1,   2, ..., 997, 998, 999]");
        Prints(arange(2000).reshape(2, 1000), "[2x1000], type = Int64, device = cpu",
            "[[   0,    1,    2, ...,  997,  998,  999],", " [1000, 1001, 1002, ..., 1997, 1998, 1999]]");
        Prints(arange(300).reshape(100, 3), "[100x3], type = Int64, device = cpu",
            "[[  0,   1,   2],", " [  3,   4,   5],", " [  6,   7,   8],", " ...,", " [291, 292, 293],", " [294, 295, 296],", " [297, 298, 299]]");
    }

    [Fact]
    public void ADisposedTensorPrintsThatItIs()
    {
        var t = ones(1);
        t.Dispose();
        Assert.Equal("(disposed tensor)", t.ToString());
    }

    [Fact]
    public void PrintingLeavesNoTensorBehind()
    {
        var t = rand([40, 40]);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        _ = t.ToString();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
