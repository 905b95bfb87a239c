using System.Runtime.InteropServices;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch.Mends;

/// <summary>Wrong calls are C# exceptions with a sentence; none ends the process.</summary>
[Trait("speed", "seconds")]
public sealed class WrongCallsTests
{
    private const int Wanted = 1000;

    [Theory, InlineData(1), InlineData(2)]
    public void AThousandFuzzedWrongCallsAreRefusedInASentence(int seed)
    {
        var state = get_rng_state();
        using var scope = NewDisposeScope();
        var arguments = new Arguments(new Random(seed));
        var calls = Calls(arguments);
        var refusedCalls = new HashSet<string>();
        int refused = 0,
            made = 0;
        while (refused < Wanted)
        {
            Assert.True(made < 20 * Wanted, $"only {refused} of {made} calls were wrong");
            var (name, call) = calls[made++ % calls.Count];
            using var inner = NewDisposeScope();
            try
            {
                Sound(name, call());
            }
            catch (Exception e) when (e is not Xunit.Sdk.IAssertionException)
            {
                refused++;
                refusedCalls.Add(name);
                Sentence(name, e);
            }
        }
        Assert.InRange(refusedCalls.Count, calls.Count * 3 / 4, calls.Count);
        Assert.True(is_grad_enabled());
        set_rng_state(state);
    }

    private static void Sound(string name, object? result)
    {
        foreach (var t in result as Tensor[] ?? (result is Tensor one ? [one] : []))
        {
            Assert.True(t.numel() >= 0 && t.shape.Length == t.ndim && Enum.IsDefined(t.dtype), name);
            if (t.device_type == DeviceType.CPU && t.numel() is > 0 and < 1000)
                Assert.NotEmpty(t.ToString());
        }
    }

    private static void Sentence(string name, Exception e)
    {
        Assert.True(e.Message.Length > 15, $"{name} said only \"{e.Message}\"");
        if (e is ExternalException)
            Assert.DoesNotContain("frame #", e.Message);
    }

    private static List<(string, Func<object?>)> Calls(Arguments a)
    {
        return
        [
            ("zeros", () => zeros([a.Number, a.Number], a.Dtype, a.Device)),
            ("full", () => full([a.Number], a.Scalar, a.Dtype, a.Device, a.Flip)),
            ("empty", () => empty([a.Number, a.Number, a.Number], a.Dtype)),
            ("arange", () => arange(a.Scalar, a.Scalar, a.Scalar, a.Dtype)),
            ("linspace", () => linspace(0, 1, a.Number, a.Dtype)),
            ("eye", () => eye(a.Number, a.Number, a.Dtype, a.Device)),
            ("randint", () => randint(a.Number, a.Number, [3], a.Dtype)),
            ("randperm", () => randperm(Math.Max(a.Number, 0), a.Dtype)),
            ("tensor", () => tensor([1f, 2, 3], [a.Number, a.Number], a.Dtype, a.Device)),
            ("from_array", () => from_array(a.Flip ? new[] { "text" } : null!, a.Dtype)),
            ("add", () => a.Tensor.add(a.TensorOrNull)),
            ("add_", () => a.Tensor.add_(a.TensorOrNull, a.Scalar)),
            ("+", () => a.TensorOrNull + a.TensorOrNull),
            ("/", () => a.TensorOrNull / a.Scalar),
            ("mul_", () => a.Tensor.mul_(a.Scalar)),
            ("div", () => a.Tensor.div(a.TensorOrNull)),
            ("floor_divide", () => a.Tensor.floor_divide(a.Scalar)),
            ("remainder", () => a.Tensor.remainder(a.Scalar)),
            ("pow", () => a.Tensor.pow(a.TensorOrNull)),
            ("addcmul_", () => a.Tensor.addcmul_(a.Tensor, a.TensorOrNull, a.Scalar)),
            ("exp", () => a.Tensor.exp()),
            ("round", () => a.Tensor.round(a.Number)),
            ("softmax", () => a.Tensor.softmax(a.Dim, a.Dtype)),
            ("clamp", () => a.Tensor.clamp(a.Flip ? null : a.Scalar, a.Flip ? null : a.Scalar)),
            ("maximum", () => a.Tensor.maximum(a.TensorOrNull)),
            ("lt", () => a.Tensor.lt(a.TensorOrNull)),
            ("where", () => where(a.TensorOrNull, a.Tensor, a.TensorOrNull)),
            ("allclose", () => a.Tensor.allclose(a.TensorOrNull)),
            ("copy_", () => a.Tensor.copy_(a.TensorOrNull)),
            ("masked_fill", () => a.Tensor.masked_fill(a.TensorOrNull, a.Scalar)),
            ("uniform_", () => a.Tensor.uniform_(a.Scalar.ToDouble(), a.Scalar.ToDouble())),
            ("bernoulli_", () => a.Tensor.bernoulli_(a.Scalar.ToDouble())),
            ("multinomial", () => a.Tensor.multinomial(a.Number, a.Flip)),
            ("sum", () => a.Tensor.sum(a.Dim, a.Flip, a.Dtype)),
            ("mean", () => a.Tensor.mean([a.Dim, a.Dim])),
            ("max", () => a.Tensor.max(a.Dim).values),
            ("amax", () => a.Tensor.amax([a.Dim])),
            ("argmax", () => a.Tensor.argmax()),
            ("var", () => a.Tensor.var(a.Dim)),
            ("norm", () => a.Tensor.norm((float)a.Scalar.ToDouble())),
            ("cumsum", () => a.Tensor.cumsum(a.Dim, a.Dtype)),
            ("topk", () => a.Tensor.topk((int)a.Number, (int)a.Dim).values),
            ("sort", () => a.Tensor.sort(a.Dim).Indices),
            ("bincount", () => a.Tensor.bincount(a.TensorOrNull, a.Number)),
            ("unique", () => a.Tensor.unique().output),
            ("reshape", () => a.Tensor.reshape(a.Number, a.Number)),
            ("view", () => a.Tensor.view(a.Number, -1)),
            ("permute", () => a.Tensor.permute(a.Dim, a.Dim)),
            ("transpose", () => a.Tensor.transpose(a.Dim, a.Dim)),
            ("flatten", () => a.Tensor.flatten(a.Dim, a.Dim)),
            ("unsqueeze", () => a.Tensor.unsqueeze(a.Dim)),
            ("expand", () => a.Tensor.expand(a.Number, a.Number)),
            ("repeat", () => a.Tensor.repeat(a.Number, a.Number)),
            ("repeat_interleave", () => a.Tensor.repeat_interleave(a.Number, a.Dim)),
            ("flip", () => a.Tensor.flip(a.Dim, a.Dim)),
            ("roll", () => a.Tensor.roll([a.Number], [a.Dim])),
            ("tril", () => a.Tensor.tril(a.Number)),
            ("diagonal", () => a.Tensor.diagonal(a.Number, a.Dim, a.Dim)),
            ("unfold", () => a.Tensor.unfold(a.Dim, a.Number, a.Number)),
            ("split", () => a.Tensor.split(a.Number, (int)a.Dim)),
            ("split sizes", () => a.Tensor.split([a.Number, a.Number], a.Dim)),
            ("chunk", () => a.Tensor.chunk(a.Number, a.Dim)),
            ("unbind", () => a.Tensor.unbind(a.Dim)),
            ("narrow", () => a.Tensor.narrow(a.Dim, a.Number, a.Number)),
            ("select", () => a.Tensor.select(a.Dim, a.Number)),
            ("slice", () => a.Tensor.slice(a.Dim, a.Number, a.Number, a.Number)),
            ("matmul", () => a.Tensor.matmul(a.TensorOrNull)),
            ("bmm", () => a.Tensor.bmm(a.TensorOrNull)),
            ("mm", () => a.Tensor.mm(a.TensorOrNull)),
            ("baddbmm", () => baddbmm(a.TensorOrNull, a.Tensor, a.Tensor)),
            (
                "einsum",
                () => einsum(a.Pick("ij,jk->ik", "ij", "i...->", "ij->zz", "i,,j", "", "é"), a.Tensor, a.TensorOrNull)
            ),
            ("cat", () => cat([a.Tensor, a.TensorOrNull], a.Dim)),
            ("stack", () => stack(a.Flip ? null! : new List<Tensor> { a.Tensor, a.TensorOrNull }, a.Dim)),
            ("meshgrid", () => meshgrid([a.Tensor, a.TensorOrNull], a.Pick("ij", "xy", "ji", null!))),
            ("gather", () => a.Tensor.gather(a.Dim, a.Index)),
            ("scatter_", () => a.Tensor.scatter_(a.Dim, a.Index, a.TensorOrNull)),
            ("scatter_add", () => a.Tensor.scatter_add(a.Dim, a.Index, a.TensorOrNull)),
            ("index_select", () => a.Tensor.index_select(a.Dim, a.Index)),
            ("index_add_", () => a.Tensor.index_add_(a.Dim, a.Index, a.TensorOrNull, a.Scalar)),
            ("masked_select", () => a.Tensor.masked_select(a.TensorOrNull)),
            ("index", () => a.Tensor[a.Place, a.Place]),
            (
                "index =",
                () =>
                {
                    var t = a.Tensor;
                    t[a.Place, a.Place] = a.TensorOrNull;
                    return t;
                }
            ),
            ("index_put_", () => a.Tensor.index_put_(a.Scalar, a.Place, a.Place, a.Place)),
            ("to", () => a.Tensor.to(a.Dtype ?? ScalarType.Byte, a.Device ?? CPU)),
            ("to(tensor)", () => a.Tensor.to(a.TensorOrNull)),
            ("cuda", () => a.Tensor.cuda(a.Device)),
            ("item", () => a.Tensor.item<float>()),
            ("data", () => a.Tensor.data<long>()[a.Number, a.Number]),
            (
                "CopyTo",
                () =>
                {
                    a.Tensor.data<float>().CopyTo(new float[3], (int)a.Number, a.Number);
                    return null;
                }
            ),
            ("bytes", () => a.Tensor.bytes.Length),
            ("size", () => a.Tensor.size((int)a.Dim)),
            ("requires_grad", () => a.Tensor.requires_grad = a.Flip),
            ("grad =", () => a.Tensor.grad = a.TensorOrNull),
            (
                "retain_grad",
                () =>
                {
                    a.Tensor.retain_grad();
                    return null;
                }
            ),
            (
                "backward",
                () =>
                {
                    a.Tensor.mul(2).backward(a.Flip ? null : [a.TensorOrNull]);
                    return null;
                }
            ),
            ("autograd.grad", () => autograd.grad([a.Tensor.mul(2)], [a.TensorOrNull]).ToArray()),
            ("device", () => device(a.Pick("cpu", "cuda:300", "gpu", "cuda:", null!))),
            ("Device", () => new Device((DeviceType)a.Dim, (int)a.Number)),
            ("Generator", () => rand([2], device: a.Device, generator: a.Generator)),
            (
                "set_rng_state",
                () =>
                {
                    set_rng_state(a.Tensor);
                    return null;
                }
            ),
            (
                "set_num_threads",
                () =>
                {
                    set_num_threads((int)Math.Min(a.Number, 0));
                    return null;
                }
            ),
            (
                "synchronize",
                () =>
                {
                    cuda.synchronize(a.Device);
                    return null;
                }
            ),
            ("embedding", () => nn.Embedding_from_pretrained(a.Tensor).call(a.Index)),
            ("cross_entropy", () => nn.functional.cross_entropy(a.Tensor, a.Index, a.Flip ? null : a.Tensor, a.Number)),
            ("linear", () => nn.functional.linear(a.Tensor, a.Tensor, a.TensorOrNull)),
            (
                "conv2d",
                () =>
                    nn.functional.conv2d(a.Image, a.Image, a.TensorOrNull, [a.Number], [a.Number], [a.Number], a.Number)
            ),
            ("max_pool2d", () => nn.functional.max_pool2d(a.Image, a.Number, a.Number, a.Number)),
            ("avg_pool2d", () => nn.functional.avg_pool2d(a.Image, a.Number, a.Number, a.Number)),
            ("layer_norm", () => nn.functional.layer_norm(a.Image, [a.Number, a.Number], a.TensorOrNull)),
            ("group_norm", () => nn.functional.group_norm(a.Image, a.Number, a.TensorOrNull)),
            ("pad", () => nn.functional.pad(a.Image, [a.Number, a.Number, a.Number])),
            ("interpolate", () => nn.functional.interpolate(a.Image, [a.Number, a.Number])),
            ("one_hot", () => nn.functional.one_hot(a.Index, a.Number)),
            ("attention", () => nn.functional.scaled_dot_product_attention(a.Image, a.Image, a.Image)),
            (
                "backward twice",
                () =>
                {
                    var y = a.Tensor.exp().sum();
                    y.backward();
                    y.backward();
                    return null;
                }
            ),
            ("cummax", () => a.Tensor.cummax(a.Dim).values),
            ("Linear", () => nn.Linear(a.Number, a.Number).call(a.Tensor)),
            ("LSTM", () => nn.LSTM(4, 6).call(a.Tensor).Item1),
            (
                "load_state_dict",
                () => nn.Linear(2, 3).load_state_dict(new Dictionary<string, Tensor> { ["weight"] = a.Tensor })
            ),
        ];
    }

    /// <summary>Arguments at random, most of them wrong somewhere.</summary>
    private sealed class Arguments(Random random)
    {
        private readonly Tensor _gone = Disposed();
        private readonly Generator _goneGenerator = DisposedGenerator();

        internal bool Flip => random.Next(2) == 0;

        internal T Pick<T>(params T[] values) => values[random.Next(values.Length)];

        internal long Dim => Pick(0L, 0, 1, 1, -1, -2, 2, 7, -9, long.MinValue, long.MaxValue);

        // Small, or far too large: a size between them might be had, slowly.
        internal long Number =>
            Pick(0L, 1, 2, 3, 4, 6, 1, 2, 3, -1, -7, 1L << 50, 1L << 60, long.MinValue, long.MaxValue);

        internal Scalar Scalar =>
            Pick<Scalar>(
                0,
                1,
                -1,
                2.5,
                -0.5,
                true,
                double.NaN,
                double.PositiveInfinity,
                long.MinValue,
                long.MaxValue,
                1e300
            );

        internal ScalarType? Dtype =>
            Pick<ScalarType?>(
                null,
                float32,
                float64,
                int64,
                uint8,
                float16,
                bfloat16,
                torch.@bool,
                (ScalarType)99,
                (ScalarType)9
            );

        internal Device? Device => Pick<Device?>(null, CPU, "meta", CUDA, "cuda:5");

        internal Generator? Generator => Pick(null, _goneGenerator);

        internal Tensor Image => Flip ? Tensor : ones([Pick(0L, 1, 2), Pick(0L, 2, 4), Pick(0L, 3, 6), Pick(1L, 3, 6)]);

        internal Tensor Index =>
            Pick(
                () => tensor([0L, 1]),
                () =>
                    tensor(
                        new[,]
                        {
                            { 0L, 100L },
                        }
                    ),
                () => tensor([-5L]),
                () => tensor(1L << 60),
                () => zeros([0], int64),
                () => zeros([2, 2], int64),
                () => Tensor
            )();

        internal Tensor TensorOrNull => random.Next(12) == 0 ? null! : Tensor;

        internal Tensor Tensor =>
            Pick(
                () => ones([4, 6]),
                () => ones([4, 6]),
                () => rand([2, 3, 4]),
                () => ones([3], requires_grad: true),
                () => ones([3]),
                () => tensor(2.5f),
                () => tensor([1L, 2, long.MaxValue]),
                () => tensor([long.MinValue, -1]),
                () => tensor([int.MinValue, 7]),
                () => tensor([true, false, true]),
                () => zeros([0]),
                () => zeros([0, 3]),
                () => tensor([double.NaN, double.NegativeInfinity]),
                () => ones([3], float16),
                () => ones([6, 4], bfloat16).mT,
                () => zeros([3], uint8),
                () => ones([4, 6], device: "meta"),
                () => _gone
            )();

        internal TensorIndex Place =>
            Pick<Func<TensorIndex>>(
                () => Number,
                () => TensorIndex.Ellipsis,
                () => TensorIndex.Null,
                () => TensorIndex.Colon,
                () => 1..^1,
                () => TensorIndex.Slice(Number, Number, Number),
                () => TensorIndex.Tensor(Tensor),
                () => TensorIndex.Tensor(Index)
            )();

        private static Tensor Disposed()
        {
            var t = ones(1);
            t.Dispose();
            return t;
        }

        private static Generator DisposedGenerator()
        {
            var generator = new Generator(1);
            generator.Dispose();
            return generator;
        }
    }
}
