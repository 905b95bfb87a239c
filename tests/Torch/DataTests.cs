using System.Collections;
using TorchSharp;
using TorchSharp.Utils;
using Xunit;
using static TorchSharp.torch;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>Numbers in and out of tensors.</summary>
public sealed class DataTests
{
    private static void RoundTrip<T>(ScalarType dtype, params T[] values) where T : unmanaged
    {
        var t = tensor(values);
        Assert.Equal(dtype, t.dtype);
        Assert.Equal(values, t.data<T>().ToArray());
        Assert.Equal(values[^1], t[values.Length - 1].item<T>());
        Assert.Equal([values[0], values[^1]], from_array(new[,] { { values[0] }, { values[^1] } }).data<T>().ToArray());
        Assert.Equal(System.Runtime.CompilerServices.Unsafe.SizeOf<T>(), t.element_size());
    }

    [Fact]
    public void EveryDtypeComesBackBitForBit()
    {
        RoundTrip(float32, 1.5f, float.MinValue, float.PositiveInfinity);
        RoundTrip(float64, 0.1, double.Epsilon, double.MaxValue);
        RoundTrip(float16, (Half)0.5, Half.MaxValue);
        RoundTrip(int64, long.MinValue, long.MaxValue);
        RoundTrip(int32, int.MinValue, int.MaxValue);
        RoundTrip(ScalarType.Int16, short.MinValue, short.MaxValue);
        RoundTrip(int8, sbyte.MinValue, sbyte.MaxValue);
        RoundTrip(uint8, byte.MinValue, byte.MaxValue);
        RoundTrip(torch.@bool, true, false);
    }

    [Fact]
    public void ArraysOfEveryRankKeepTheirElements()
    {
        Is("[[1, 2], [3, 4]]", tensor(new[,] { { (Half)1, (Half)2 }, { (Half)3, (Half)4 } }));
        Is("[[T], [F]]", tensor(new[,] { { true }, { false } }));
        Is("[[[1, -1]]]", from_array(new[,,] { { { (sbyte)1, (sbyte)-1 } } }));
        Is("[[1, 2]]", from_array(new[,] { { (short)1, (short)2 } }));
    }

    [Theory]
    [InlineData(1.0, 1.0, 1.0)]
    [InlineData(1.00390625, 1.00390625, 1.0)]                // 1 + 2^-8 lies halfway between two bfloat16: to even
    [InlineData(1.01171875, 1.01171875, 1.015625)]
    [InlineData(70000.0, double.PositiveInfinity, 70144.0)]   // float16 ends at 65504, bfloat16 where float32 does
    [InlineData(1e-8, 0.0, 1.0011717677116394e-08)]
    public void HalvesRoundToTheNearest(double value, double asHalf, double asBFloat16)
    {
        Assert.Equal(asHalf, tensor(value).to(float16).@double().item<double>());
        Assert.Equal(asBFloat16, tensor(value).to(bfloat16).@double().item<double>());
    }

    [Fact]
    public void StridedTensorsAreReadInOrder()
    {
        var t = arange(6).reshape(2, 3).mT[1..];
        var data = t.data<long>();
        Assert.Equal([1, 4, 2, 5], data.ToArray());
        Assert.Equal([1, 4, 2, 5], data.ToList());
        Assert.Equal(4, ((IEnumerable)data).Cast<long>().Count());
        Assert.Equal((4, 2), (data.Count, data[1, 0]));
        Assert.Equal([7, 7, 7], tensor(7).expand(3).data<int>().ToArray());
    }

    [Fact]
    public void CopiesStopWhereEitherSideEnds()
    {
        using var data = tensor([1, 2, 3]).data<int>();
        var array = new int[5];
        data.CopyTo(array, arrayIndex: 1, tensorIndex: 1);
        Assert.Equal([0, 2, 3, 0, 0], array);
        Span<int> two = stackalloc int[2];
        data.CopyTo(two);
        Assert.Equal([1, 2], two.ToArray());
        Refused<ArgumentOutOfRangeException>(() => data.CopyTo(array, 6), "index 6", "5 elements");
        Refused<ArgumentOutOfRangeException>(() => data.CopyTo(array, 0, 4), "index 4", "3 elements");
        Refused<IndexOutOfRangeException>(() => _ = data[3], "index 3", "0..2");
        Refused<ArgumentException>(() => _ = data[0, 0], "2 indices", "1 dimensions");
    }

    [Fact]
    public void BytesAreTheTensorsOwnMemory()
    {
        var t = tensor([1, 2]);
        t.bytes[0] = 5;
        Is("[5, 2]", t);
        Assert.Equal(8, t.bytes.Length);
        Assert.True(zeros([0]).bytes.IsEmpty);
        Refused<InvalidOperationException>(() => _ = arange(4).reshape(2, 2).mT.bytes, "contiguous");
        Refused<InvalidOperationException>(() => _ = zeros(2, device: "meta").bytes, "meta", "cpu()");
    }

    [Fact]
    public void ReadingAsAnotherTypeIsRefused()
    {
        Refused<ArgumentException>(() => ones(2).data<double>(), "Float32", "Double", ".to(torch.float64)");
        Refused<ArgumentException>(() => tensor(1L).item<int>(), "Int64", "Int32");
        Refused<TorchException>(() => ones(2).item<float>(), "aten::item", "2 elements");
        Refused<InvalidOperationException>(() => zeros(2, device: "meta").data<float>(), "meta");
        Refused<NotSupportedException>(() => ones(2).data<decimal>(), "Decimal");
    }

    [Fact]
    public void OneElementTensorsBecomeNumbers()
    {
        Assert.Equal(2.5f, tensor(2.5).ToSingle());
        Assert.Equal(2.5, tensor(2.5f).ToDouble());
        Assert.Equal(3L, tensor([3]).ToInt64());
        Assert.Equal(3, tensor(3L).ToInt32());
        Assert.True(tensor(1).ToBoolean());
        Assert.False(tensor(0.0).ToBoolean());
        Assert.Equal(0.5, tensor([0.5]).to(bfloat16).ToDouble());
        Refused<OverflowException>(() => tensor(1L << 40).ToInt32());
    }

    [Fact]
    public void ScalarsKeepTheirKind()
    {
        Scalar whole = 3, big = 1L << 40, real = 1.5, single = 0.1f, truth = true;
        Assert.Equal([ScalarType.Int64, ScalarType.Int64, ScalarType.Float64, ScalarType.Float64, ScalarType.Bool], new[] { whole, big, real, single, truth }.Select(s => s.Type));
        Assert.Equal(["3", "1099511627776", "1.5", "True"], new[] { whole, big, real, truth }.Select(s => s.ToString()));
        Assert.Equal((3f, 1.5, 1L, true), (whole.ToSingle(), real.ToDouble(), real.ToInt64(), single.ToBoolean()));
        Assert.Equal((2.0, 7L), (2.0.ToScalar().ToDouble(), 7L.ToScalar().ToInt64()));
        Assert.Equal(ScalarType.Int64, tensor(4).ToScalar().Type);
        Assert.False(default(Scalar).ToBoolean());
    }
}
