using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>The boxed call: how C# values become what an operator's schema wants.</summary>
public sealed class BridgeTests
{
    private static readonly Op Add = "aten::add.Tensor", Conv2d = "aten::conv2d", Sum = "aten::sum.dim_IntList", Reshape = "aten::reshape";

    [Fact]
    public void AnOperatorIsFoundByNameAndOverload()
    {
        Assert.True(Add.Exists);
        Assert.StartsWith("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", Add.Schema);
        foreach (var name in new[] { "aten::no_such_operator", "aten::add.NoSuchOverload", "nowhere::add", "add", "", "." })
            Assert.False(((Op)name).Exists, name);
        Refused<NotSupportedException>(() => ((Op)"aten::no_such_operator").Call(ones(1)), "aten::no_such_operator", __version__);
    }

    [Fact]
    public void MissingTrailingArgumentsTakeTheirDefaults()
    {
        Is("[2]", Add.Call(ones(1), ones(1)));
        Is("[4]", Add.Call(ones(1), ones(1), 3));
        Shape(Conv2d.Call(ones([1, 1, 4, 4]), ones([1, 1, 3, 3])), 1, 1, 2, 2);
    }

    [Fact]
    public void OneIntegerFillsAListOfFixedLength()
    {
        Shape(Conv2d.Call(ones([1, 1, 6, 8]), ones([1, 1, 3, 3]), Arg.None, 2), 1, 1, 2, 3);
        Shape(Conv2d.Call(ones([1, 1, 6, 8]), ones([1, 1, 3, 3]), Arg.None, new long[] { 2, 1 }), 1, 1, 2, 6);
        Is("[2, 2]", Sum.Call(ones([2, 2]), 1));
        Is("4", Sum.Call(ones([2, 2]), Arg.None));
    }

    [Fact]
    public void IntegersServeAsRealNumbers()
    {
        Op upsample = "aten::upsample_nearest1d.vec", clamp = "aten::clamp", normal = "aten::normal_";
        Shape(upsample.Call(ones([1, 1, 2]), Arg.None, new long[] { 2 }), 1, 1, 4);
        Shape(upsample.Call(ones([1, 1, 2]), Arg.None, new[] { 1.5 }), 1, 1, 3);
        Is("[2]", clamp.Call(ones(1), 2L));
        Is("[5]", normal.InPlace(ones(1), 5, 0));
    }

    [Fact]
    public void NoneIsTakenWhereTheSchemaSaysOptional()
    {
        Op index = "aten::index.Tensor", clamp = "aten::clamp", norm = "aten::layer_norm";
        Is("[[2], [4]]", index.Call(tensor(new[,] { { 1, 2 }, { 3, 4 } }), new Tensor?[] { null, tensor([1L]) }));
        Is("[1]", clamp.Call(ones(1), Arg.None, 2));
        Shape(norm.Call(ones([2, 3]), new long[] { 3 }, Arg.None, Arg.None), 2, 3);
    }

    [Fact]
    public void AWrongKindSpeaksTheSchemasName()
    {
        Refused<TorchException>(() => Add.Call(ones(1), 1.5), "aten::add.Tensor", "'other'", "Tensor", "a real number");
        Refused<TorchException>(() => Add.Call(ones(1), ones(1), "two"), "'alpha'", "a text");
        Refused<TorchException>(() => Add.Call(ones(1), Arg.None), "'other'", "null");
        Refused<TorchException>(() => Reshape.Call(ones(1), ones(1)), "aten::reshape", "'shape'", "a tensor");
        Refused<TorchException>(() => Reshape.Call(ones(1), new[] { 1.5 }), "'shape'", "a list of real numbers");
        Refused<TorchException>(() => Sum.Call(ones(1), 0, 1), "'keepdim'", "bool", "an integer");
        Refused<TorchException>(() => ((Op)"aten::cat").Call(new Tensor?[] { ones(1), null }), "'tensors'", "null");
        Refused<TorchException>(() => ((Op)"aten::cat").Call(ones(1)), "'tensors'", "a tensor");
        Refused<TorchException>(() => ((Op)"aten::dropout").Call(ones(1), true, true), "'p'", "float", "a boolean");
        Refused<TorchException>(() => ((Op)"aten::einsum").Call(1, new[] { ones(1) }), "'equation'", "an integer");
        Refused<TorchException>(() => ((Op)"aten::zeros").Call(1, ScalarType.Float32, Arg.None, "cpu"), "'device'", "a text");
        Refused<TorchException>(() => ((Op)"aten::normal_").Invoke(ones(1), 0.0, 1.0, 3), "'generator'", "an integer");
    }

    [Fact]
    public void TheNumberOfArgumentsIsChecked()
    {
        Refused<TorchException>(() => Add.Call(ones(1)), "aten::add.Tensor", "'other'", "missing");
        Refused<TorchException>(() => Add.Call(), "'self'", "missing");
        Refused<TorchException>(() => Add.Call(ones(1), ones(1), 1, 1), "takes 3 arguments", "4 were given");
        Refused<ArgumentException>(() => Add.Call([.. Enumerable.Repeat((Arg)1, 33)]), "33 arguments", "at most 32");
    }

    [Fact]
    public void ResultsComeInTheirNumbersAndKinds()
    {
        Op maximum = "aten::max.dim", item = "aten::item", unbind = "aten::unbind.int", norm = "aten::native_layer_norm", equal = "aten::equal";
        var (values, places) = maximum.Call2(tensor([1.0, 3.0]), 0);
        Is("3", values);
        Is("1", places);
        Assert.Equal(2, unbind.CallList(ones([2, 3])).Length);
        Assert.Equal((ScalarType.Int64, ScalarType.Bool), (item.CallScalar(tensor(3)).Type, equal.CallScalar(ones(1), ones(1)).Type));
        Is("[-1, 1]", norm.Call3(tensor([1.0, 3.0]), new long[] { 2 }, Arg.None, Arg.None, 0.0).Item1);
        Refused<TorchException>(() => maximum.Call(ones(1), 0), "aten::max.dim", "more results");
        Refused<InvalidOperationException>(() => Add.Call2(ones(1), ones(1)), "1 results", "2 were expected");
        Refused<InvalidOperationException>(() => equal.Call(ones(1), ones(1)), "Bool");
    }

    [Theory, InlineData(3), InlineData(255), InlineData(257), InlineData(5000)]
    public void ListsOfAnyLengthAreCarried(int length)
    {
        Op split = "aten::split_with_sizes", cat = "aten::cat", einsum = "aten::einsum";
        var pieces = split.CallList(arange(length), Enumerable.Repeat(1L, length).ToArray(), 0);
        Assert.Equal(length, pieces.Length);
        SameBits(arange(length), cat.Call(pieces, 0));
        Is("1", einsum.Call(new string(' ', length) + "i->", new[] { ones(1) }));
    }

    [Fact]
    public void AResultKeepsItsTensorsAliveWhileTheCollectorRuns()
    {
        bool stop = false;
        var collector = new Thread(() =>
        {
            for (; !Volatile.Read(ref stop); Thread.SpinWait(1000)) GC.Collect(0); // without a pause the other thread hardly runs
        });
        collector.Start();
        for (var watch = System.Diagnostics.Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(2);)
        {
            Assert.Equal(64, (ones([64]) + zeros([64])).sum().ToInt64());
            Assert.Equal(128, cat([ones([64]), ones([64]).mul(1)]).sum().ToInt64());
            Assert.Equal(64, ones([64])[ones([64]).gt(0)].data<float>().ToArray().Sum());
        }
        Volatile.Write(ref stop, true);
        collector.Join();
    }
}
