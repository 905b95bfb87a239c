using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>What is computed element by element.</summary>
public sealed class PointwiseTests
{
    private static Tensor A => tensor([1.0, -2.0, 4.0]);

    private static Tensor B => tensor([2.0, 2.0, -1.0]);

    private static Tensor Of(params double[] values) => tensor(values);

    [Fact]
    public void ArithmeticHasItsValues()
    {
        Is("[3, 0, 3]", A.add(B));
        Is("[5, 2, 2]", A.add(B, 2));
        Is("[2, -1, 5]", A.add(1));
        Is("[-1, -4, 5]", A.sub(B));
        Is("[0.5, -2.5, 3.5]", A.sub(0.5));
        Is("[2, -4, -4]", A.mul(B));
        Is("[3, -6, 12]", A.mul(3));
        Is("[0.5, -1, -4]", A.div(B));
        Is("[0.5, -1, 2]", A.div(2));
        Is("[0, -1, 2]", A.floor_divide(2));
        Is("[1, 1, 1]", A.remainder(3));
        Is("[1, 4, 16]", A.pow(2));
        Is("[1, 4, 0.25]", A.pow(B));
        Is("[-1, 2, -4]", A.neg());
    }

    [Fact]
    public void OperatorsAreTheMethods()
    {
        Is("[3, 0, 3]", A + B);
        Is("[2, -1, 5]", A + 1);
        Is("[2, -1, 5]", 1 + A);
        Is("[-1, -4, 5]", A - B);
        Is("[0, -3, 3]", A - 1);
        Is("[0, 3, -3]", 1 - A);
        Is("[-1, 2, -4]", -A);
        Is("[2, -4, -4]", A * B);
        Is("[0.5, -1, 2]", A * 0.5);
        Is("[0.5, -1, 2]", 0.5 * A);
        Is("[0.5, -1, -4]", A / B);
        Is("[0.5, -1, 2]", A / 2);
        Is("[2, -1, 0.5]", 2 / A);
    }

    [Fact]
    public void InPlaceChangesAndReturnsTheTensorItself()
    {
        var t = A;
        foreach (var (step, expected) in new (Func<Tensor>, string)[]
        {
            (() => t.add_(B), "[3, 0, 3]"),
            (() => t.add_(B, -1), "[1, -2, 4]"),
            (() => t.add_(1), "[2, -1, 5]"),
            (() => t.sub_(B), "[0, -3, 6]"),
            (() => t.sub_(1), "[-1, -4, 5]"),
            (() => t.mul_(B), "[-2, -8, -5]"),
            (() => t.mul_(2), "[-4, -16, -10]"),
            (() => t.div_(B), "[-2, -8, 10]"),
            (() => t.div_(2), "[-1, -4, 5]"),
            (() => t.addcmul_(A, B, 0.5), "[0, -6, 3]"),
            (() => t.addcdiv_(A, B, 2), "[1, -8, -5]"),
            (() => t.clamp_(-6, 0.5), "[0.5, -6, -5]"),
            (() => t.masked_fill_(A.lt(0), 7), "[0.5, 7, -5]"),
            (() => t.copy_(tensor([1, 2, 3])), "[1, 2, 3]"),
            (() => t.fill_(2.5), "[2.5, 2.5, 2.5]"),
            (() => t.copy_(Of(0, 0.5, -1)).erfinv_(), "[0, 0.4769, -Infinity]"),
            (() => t.zero_(), "[0, 0, 0]"),
        })
        {
            Assert.Same(t, step());
            Is(expected, t);
        }
    }

    [Fact]
    public void FunctionsHaveTheirValues()
    {
        Is("[1, 2, 4]", A.abs());
        Is("[2.7183, 0.1353, 54.5982]", A.exp());
        Is("[1.7183, -0.8647, 53.5982]", A.expm1());
        Is("[0, NaN, 1.3863]", A.log());
        Is("[0.6931, NaN, 1.6094]", A.log1p());
        Is("[1, NaN, 2]", A.sqrt());
        Is("[1, NaN, 0.5]", A.rsqrt());
        Is("[1, 4, 16]", A.square());
        Is("[1, -0.5, 0.25]", A.reciprocal());
        Is("[1, -1, 1]", A.sign());
        Is("[0.8415, -0.9093, -0.7568]", A.sin());
        Is("[0.5403, -0.4161, -0.6536]", A.cos());
        Is("[0.8427, -0.9953, 1]", A.erf());
        Is("[1, 0, 4]", A.relu());
        Is("[0.7311, 0.1192, 0.982]", A.sigmoid());
        Is("[0.7616, -0.964, 0.9993]", A.tanh());
        Is("[-2, 0, 1]", Of(-1.5, 0.5, 1.5).floor());
        Is("[-1, 1, 2]", Of(-1.5, 0.5, 1.5).ceil());
        Is("[-2, 0, 2]", Of(-1.5, 0.5, 1.5).round());
        Is("[1.23, 4.57]", Of(1.234, 4.567).round(2));
        Is("[2.7183, 0.1353, 54.5982]", exp(A));
        Is("[0, NaN, 1.3863]", log(A));
    }

    [Fact]
    public void SoftmaxSumsToOneAlongItsDimension()
    {
        var t = tensor(new[,] { { 0.0, Math.Log(3) }, { Math.Log(2), 0.0 } });
        Is("[[0.25, 0.75], [0.6667, 0.3333]]", t.softmax(1));
        Is("[[0.3333, 0.75], [0.6667, 0.25]]", t.softmax(0));
        Is("[[0.25, 0.75], [0.6667, 0.3333]]", t.log_softmax(-1).exp());
        Assert.Equal((ScalarType.Float32, ScalarType.Float32), (t.softmax(1, float32).dtype, t.log_softmax(1, float32).dtype));
    }

    [Fact]
    public void LimitsHold()
    {
        Is("[1, -1, 2]", A.clamp(-1, 2));
        Is("[1, 0, 4]", A.clamp(min: 0));
        Is("[1, -2, 3]", A.clamp(max: 3));
        Is("[2, 2, 4]", A.maximum(B));
        Is("[1, -2, -1]", A.minimum(B));
        Is("[2, 2, 4]", maximum(A, B));
        Is("[1, -2, -1]", minimum(A, B));
        Is("[0, 9, -9, 1]", Of(double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1).nan_to_num(0, 9, -9));
    }

    [Fact]
    public void ComparisonsAndLogicGiveBooleans()
    {
        var (a, b) = (tensor([1, 2, 3]), tensor([2, 2, 2]));
        Is("[F, T, F]", a.eq(b));
        Is("[T, F, T]", a.ne(b));
        Is("[T, F, F]", a.lt(b));
        Is("[T, T, F]", a.le(b));
        Is("[F, F, T]", a.gt(b));
        Is("[F, T, T]", a.ge(b));
        Is("[F, T, F]", a.eq(2));
        Is("[T, F, T]", a.ne(2));
        Is("[T, F, F]", a.lt(2));
        Is("[T, T, F]", a.le(2));
        Is("[F, F, T]", a.gt(2));
        Is("[F, T, T]", a.ge(2));
        var (p, q) = (tensor([true, true, false]), tensor([true, false, false]));
        Is("[T, F, F]", p.logical_and(q));
        Is("[T, T, F]", p.logical_or(q));
        Is("[F, F, T]", p.logical_not());
        Is("[T, F, F]", Of(double.NaN, double.PositiveInfinity, 1).isnan());
        Is("[F, F, T]", Of(double.NaN, double.PositiveInfinity, 1).isfinite());
    }

    [Fact]
    public void WholeTensorsCompare()
    {
        Is("T", A.equal(A));
        Is("F", A.equal(B));
        Is("F", A.equal(zeros([4], float64)));
        Assert.True(A.allclose(A + 1e-9));
        Assert.False(A.allclose(A + 0.1));
        Assert.True(A.allclose(A + 0.1, atol: 0.2));
        Assert.True(Of(double.NaN).allclose(Of(double.NaN), equal_nan: true));
    }

    [Fact]
    public void ConditionsChoose()
    {
        var condition = A.gt(0);
        Is("[1, 2, 4]", A.where(condition, B));
        Is("[1, 2, 4]", where(condition, A, B));
        Is("[1, 0, 4]", where(condition, A, 0));
        Is("[9, -2, 9]", A.masked_fill(condition, 9));
    }

    [Fact]
    public void TypesPromoteAsInPyTorch()
    {
        var i = tensor([1, 2]);
        Assert.Equal(ScalarType.Int32, (i + 1).dtype);
        Assert.Equal(ScalarType.Float32, (i + 1.5).dtype);
        Assert.Equal(ScalarType.Float32, (i / 2).dtype);
        Assert.Equal(ScalarType.Int64, (i + tensor([1L])).dtype);
        Assert.Equal(ScalarType.Float64, (i + tensor([1.0])).dtype);
        Assert.Equal(ScalarType.Float32, (i.to(bfloat16) + ones(2)).dtype);
        Assert.Equal(ScalarType.Float32, (ones(2) * tensor(2.0)).dtype);
        Assert.Equal(ScalarType.BFloat16, (i.to(bfloat16) * 1.5).dtype);
    }

    [Fact]
    public void AddOfWrongShapesNamesBoth() =>
        Refused<TorchException>(() => zeros(2).add(zeros(3)), "aten::add.Tensor", "(2)", "(3)");

    [Fact]
    public void AnInPlaceResultThatDoesNotFitIsRefused()
    {
        Refused<TorchException>(() => tensor([1, 2]).add_(0.5), "aten::add_.Scalar", "can't be cast");
        Refused<TorchException>(() => zeros(1).add_(zeros(2)), "aten::add_.Tensor", "shape");
        Refused<TorchException>(() => zeros(2).add((Tensor)null!), "argument 'other' must be Tensor", "null");
    }
}
