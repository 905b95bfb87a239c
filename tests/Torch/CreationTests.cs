using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>Tensors from sizes, sequences and C# values.</summary>
public sealed class CreationTests
{
    [Fact]
    public void FilledTensorsHoldTheirNumber()
    {
        Is("[0, 0]", zeros(2));
        Is("[[0, 0]]", zeros([1, 2]));
        Is("[1, 1]", ones(2));
        Is("[[1], [1]]", ones([2, 1]));
        Is("[2.5, 2.5]", full([2], 2.5));
        Shape(empty([2, 0, 3]), 2, 0, 3);
        Is("0", zeros(Array.Empty<long>()));
    }

    [Fact]
    public void LikeTakesShapeAndDtypeFromAnotherTensor()
    {
        var like = tensor([1L, 2, 3]);
        Is("[0, 0, 0]", zeros_like(like));
        Is("[1, 1, 1]", ones_like(like));
        Is("[7, 7, 7]", full_like(like, 7));
        Assert.Equal(ScalarType.Int64, ones_like(like).dtype);
        Assert.Equal(ScalarType.BFloat16, full_like(like, 7, bfloat16).dtype);
        Shape(empty_like(like), 3);
        Shape(randn_like(like, float64), 3);
        Assert.Equal(DeviceType.META, zeros_like(like, device: "meta").device_type);
    }

    [Fact]
    public void SequencesStopWhereTheySay()
    {
        Is("[0, 1, 2]", arange(3));
        Is("[1, 2]", arange(1, 3));
        Is("[5, 3, 1]", arange(5, 0, -2));
        Is("[0, 0.5, 1]", arange(0, 1.5, 0.5));
        Is("[0, 0.25, 0.5, 0.75, 1]", linspace(0, 1, 5));
        Is("[[1, 0], [0, 1]]", eye(2));
        Is("[[1, 0, 0], [0, 1, 0]]", eye(2, 3, int32));
        Assert.Equal((ScalarType.Int64, ScalarType.Float32), (arange(3).dtype, arange(3.0).dtype));
    }

    [Fact]
    public void DefaultsAreFloat32OnTheCpuWithoutGradient()
    {
        foreach (var t in new[] { zeros(1), ones(1), full([1], 1.0), empty([1]), rand([1]), randn([1]), linspace(0, 1, 2), eye(1) })
            Assert.Equal((ScalarType.Float32, CPU, false), (t.dtype, t.device, t.requires_grad));
    }

    [Fact]
    public void EveryCreatorTakesDtypeDeviceAndGradient()
    {
        var like = zeros([2]);
        foreach (var t in new[]
        {
            zeros(2, float64, CPU, true), zeros([2], float64, CPU, true), ones(2, float64, CPU, true), ones([2], float64, CPU, true),
            full([2], 1, float64, CPU, true), empty([2], float64, CPU, true), arange(2, float64, CPU, true), arange(0, 2, float64, CPU, true),
            arange(0, 2, 1, float64, CPU, true), linspace(0, 1, 2, float64, CPU, true), eye(2, 2, float64, CPU, true),
            rand([2], float64, CPU, true), randn([2], float64, CPU, true), randint(3, [2], float64, CPU, true), randint(0, 3, [2], float64, CPU, true),
            randperm(2, float64, CPU, true), zeros_like(like, float64, CPU, true), ones_like(like, float64, CPU, true),
            full_like(like, 1, float64, CPU, true), empty_like(like, float64, CPU, true), randn_like(like, float64, CPU, true),
            tensor(1f, float64, CPU, true), tensor(1.0, float64, CPU, true), tensor(1L, float64, CPU, true), tensor(1, float64, CPU, true),
            tensor(true, float64, CPU, true), tensor([1, 2], float64, CPU, true), tensor([1, 2], [2, 1], float64, CPU, true),
            tensor(new[,] { { 1 } }, float64, CPU, true), from_array(new[] { 1 }, float64, CPU, true),
        })
            Assert.Equal((ScalarType.Float64, CPU, true, true), (t.dtype, t.device, t.requires_grad, t.is_leaf));
    }

    [Fact]
    public void NumbersBecomeTensorsOfTheirOwnType()
    {
        Assert.Equal(ScalarType.Float32, tensor(1f).dtype);
        Assert.Equal(ScalarType.Float64, tensor(1.0).dtype);
        Assert.Equal(ScalarType.Int64, tensor(1L).dtype);
        Assert.Equal(ScalarType.Int32, tensor(1).dtype);
        Assert.Equal(ScalarType.Bool, tensor(true).dtype);
        Is("-3", tensor(-3));
        Assert.Equal(0.1f, tensor(0.1f).item<float>());
    }

    [Fact]
    public void ArraysKeepTheirOrderAndShape()
    {
        Is("[[1, 2], [3, 4]]", tensor(new[,] { { 1, 2 }, { 3, 4 } }));
        Is("[[1, 2, 3], [4, 5, 6]]", tensor([1, 2, 3, 4, 5, 6], [2, 3]));
        Is("[[[1, 2]], [[3, 4]]]", from_array(new[,,] { { { 1L, 2 } }, { { 3, 4 } } }));
        Is("[]", tensor(Array.Empty<float>()));
    }

    [Fact]
    public void AnArrayIsCopied()
    {
        float[] values = [1, 2];
        var t = tensor(values);
        values[0] = 9;
        Is("[1, 2]", t);
    }

    [Fact]
    public void WrongSizesAreRefusedInASentence()
    {
        Refused<ArgumentException>(() => tensor([1, 2, 3], [2, 2]), "[2, 2]", "4 elements", "3");
        Refused<TorchException>(() => zeros(-1), "aten::zeros", "negative");
        Refused<TorchException>(() => linspace(0, 1, -5), "aten::linspace", "steps");
        Refused<TorchException>(() => arange(0, 5, step: 0), "aten::arange", "step");
        Refused<NotSupportedException>(() => tensor(['a']), "Char");
        Refused<NotSupportedException>(() => from_array(new[] { new[] { 1 } }), "Int32[]");
        Refused<ArgumentException>(() => zeros([1], (ScalarType)99), "99", "no dtype");
        Refused<TorchException>(() => ones([2], int64, requires_grad: true), "floating-point", "Long");
    }
}
