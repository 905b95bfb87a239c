using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>Modules: registration, keys, state, moving, gradients and initial values.</summary>
public sealed class NnTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public NnTests() => manual_seed(0);

    public void Dispose() => _scope.Dispose();

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> norm, mlp;
        private readonly Parameter gamma;
        private readonly Tensor mask;
        private readonly nn.Module<Tensor, Tensor>? absent = null;
        [ComponentName(Name = "A_log")] private readonly Parameter _decay;

        internal Block(long dim) : base(nameof(Block))
        {
            norm = nn.LayerNorm(dim);
            mlp = nn.Sequential(("fc1", nn.Linear(dim, 2 * dim)), ("act", nn.GELU()), ("fc2", nn.Linear(2 * dim, dim, hasBias: false)));
            gamma = nn.Parameter(ones([dim]));
            _decay = nn.Parameter(zeros([1]));
            mask = ones([dim]);
            RegisterComponents();
            register_buffer("cache", zeros([2]), persistent: false);
        }

        public override Tensor forward(Tensor input)
        {
            var output = input + gamma * mlp.call(norm.call(input)) * mask * _decay.exp();
            return absent is null ? output : absent.call(output);
        }
    }

    private sealed class Net : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d stem;
        private readonly BatchNorm2d bn;
        private readonly ModuleList<Block> blocks;
        private readonly Linear head;

        internal Net() : base(nameof(Net))
        {
            stem = nn.Conv2d(3, 4, 2, stride: 2);
            bn = nn.BatchNorm2d(4);
            blocks = nn.ModuleList(new Block(4), new Block(4));
            head = nn.Linear(4, 3);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            var x = bn.call(stem.call(input)).flatten(2).transpose(1, 2); // (B, N, 4)
            foreach (var block in blocks) x = block.call(x);
            return head.call(x.mean([1])); // (B, 3)
        }
    }

    private sealed class Careless : nn.Module<Tensor, Tensor>
    {
        private Linear Proj { get; } = nn.Linear(2, 2);

        internal Careless() : base(nameof(Careless)) => RegisterComponents();

        public override Tensor forward(Tensor input) => Proj.call(input);
    }

    private static readonly string[] BlockKeys = ["gamma", "A_log", "mask", "norm.weight", "norm.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight"];

    [Fact]
    public void KeysAreThoseOfPyTorch()
    {
        using var net = new Net();
        string[] expected =
        [
            "stem.weight", "stem.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "bn.num_batches_tracked",
            .. BlockKeys.Select(key => "blocks.0." + key), .. BlockKeys.Select(key => "blocks.1." + key), "head.weight", "head.bias",
        ];
        Assert.Equal(expected, net.state_dict().Keys);
        Assert.Equal(expected.Select(key => "model." + key), net.state_dict(prefix: "model").Keys);
        Assert.Equal(expected.Where(key => !key.Contains("running") && !key.Contains("tracked") && !key.EndsWith("mask")), net.named_parameters().Select(entry => entry.name));
        Assert.Contains("blocks.1.cache", net.named_buffers().Select(entry => entry.name));
        Assert.DoesNotContain("blocks.1.cache", net.named_buffers(include_nonpersistent: false).Select(entry => entry.name));
        Assert.Equal(["stem", "bn", "blocks", "head"], net.named_children().Select(entry => entry.name));
        Assert.Contains("blocks.0.mlp.fc1", net.named_modules().Select(entry => entry.name));
        Assert.Empty(net.named_parameters(recurse: false));
    }

    [Fact]
    public void EveryParameterGetsAFiniteGradient()
    {
        using var net = new Net();
        nn.functional.cross_entropy(net.call(randn([2, 3, 8, 8])), tensor([0L, 2])).backward();
        Assert.All(net.named_parameters(), entry =>
        {
            var grad = entry.parameter.grad;
            Assert.True(grad is not null, $"{entry.name} has no gradient");
            Assert.True(grad!.isfinite().all().item<bool>(), $"{entry.name} has a gradient that is not finite");
        });
        net.zero_grad(set_to_none: false);
        Assert.All(net.parameters(), parameter => Assert.Equal(0, parameter.grad!.abs().sum().item<float>()));
        net.zero_grad();
        Assert.All(net.parameters(), parameter => Assert.Null(parameter.grad));
    }

    public static IEnumerable<TheoryDataRow<string, nn.Module<Tensor, Tensor>, long[], long[]>> Layers()
    {
        static TheoryDataRow<string, nn.Module<Tensor, Tensor>, long[], long[]> Row(nn.Module<Tensor, Tensor> layer, long[] from, long[] to) => new(layer.GetName(), layer, from, to);
        yield return Row(nn.Linear(6, 5), [2, 6], [2, 5]);
        yield return Row(nn.Conv1d(4, 6, 3, padding: 1, groups: 2), [2, 4, 7], [2, 6, 7]);
        yield return Row(nn.Conv2d(3, 5, 3, stride: 2, padding: 1), [2, 3, 8, 8], [2, 5, 4, 4]);
        yield return Row(nn.Conv2d(3, 5, (1, 3), padding: (0, 1), padding_mode: PaddingModes.Replicate), [2, 3, 8, 8], [2, 5, 8, 8]);
        yield return Row(nn.ConvTranspose2d(4, 2, 2, stride: 2), [1, 4, 3, 3], [1, 2, 6, 6]);
        yield return Row(nn.LayerNorm(6), [3, 6], [3, 6]);
        yield return Row(nn.LayerNorm([5, 6], elementwise_affine: false), [3, 5, 6], [3, 5, 6]);
        yield return Row(nn.GroupNorm(2, 6), [3, 6, 4], [3, 6, 4]);
        yield return Row(nn.BatchNorm2d(3), [2, 3, 4, 4], [2, 3, 4, 4]);
        yield return Row(nn.Dropout(0.1), [4, 4], [4, 4]);
        yield return Row(nn.Identity(), [4, 4], [4, 4]);
        yield return Row(nn.GELU(GELU.Approximate.tanh), [4, 4], [4, 4]);
        yield return Row(nn.SiLU(), [4, 4], [4, 4]);
        yield return Row(nn.ReLU(), [4, 4], [4, 4]);
        yield return Row(nn.MaxPool2d(3, stride: 2, padding: 1), [1, 2, 8, 8], [1, 2, 4, 4]);
        yield return Row(nn.AvgPool2d(2), [1, 2, 8, 8], [1, 2, 4, 4]);
        yield return Row(nn.AdaptiveAvgPool2d(3), [1, 2, 8, 8], [1, 2, 3, 3]);
        yield return Row(nn.AdaptiveAvgPool2d((2, 5)), [1, 2, 8, 8], [1, 2, 2, 5]);
        yield return Row(nn.Upsample(scale_factor: [2], mode: UpsampleMode.Bilinear, align_corners: false), [1, 2, 4, 4], [1, 2, 8, 8]);
        yield return Row(nn.Sequential(nn.Linear(3, 4), nn.Identity(), nn.Linear(4, 5)), [2, 3], [2, 5]);
        yield return Row(nn.Sequential(), [2, 3], [2, 3]);
    }

    [Fact]
    public void EveryLayerHasItsShapeAndPassesGradients() => Assert.All(Layers(), row =>
    {
        var (name, layer, from, to) = row.Data;
        var input = randn(from).requires_grad_();
        var output = layer.call(input);
        Assert.Equal(to, output.shape);
        (output * randn(to)).sum().backward();
        Assert.False(input.IsInvalid);
        Assert.True(input.grad!.isfinite().all().item<bool>(), name);
        Assert.All(layer.parameters(), parameter => Assert.NotNull(parameter.grad));
    });

    [Fact]
    public void EmbeddingLooksRowsUpAndLeavesThePaddingRowAlone()
    {
        using var table = nn.Embedding(5, 3, padding_idx: 1);
        var rows = table.call(tensor([1L, 4, 4]));
        Assert.Equal([3L, 3], rows.shape);
        Assert.Equal([0f, 0, 0], rows[0].data<float>().ToArray());
        rows.sum().backward();
        Assert.Equal([0f, 0, 0, 0, 2], table.weight.grad!.select(1, 0).data<float>().ToArray());
        Assert.Contains("padding_idx 5", Assert.Throws<ArgumentException>(() => nn.Embedding(5, 3, padding_idx: 5)).Message);
    }

    [Fact]
    public void BatchNormTracksTheStatisticsItThenUses()
    {
        using var norm = nn.BatchNorm2d(2);
        var x = randn([4, 2, 3, 3]) * 2 + 5;
        var trained = norm.call(x);
        Assert.Equal(0, trained.mean().item<float>(), 1e-5f);
        float mean = x.select(1, 0).mean().item<float>(), variance = x.select(1, 0).var().item<float>();
        Assert.Equal(0.1f * mean, norm.running_mean!.data<float>().ToArray()[0], 1e-5f);
        Assert.Equal(0.9f + 0.1f * variance, norm.running_var!.data<float>().ToArray()[0], 1e-5f);
        Assert.Equal(1, norm.num_batches_tracked!.item<long>());

        norm.eval();
        var rested = norm.call(x);
        Assert.Equal(1, norm.num_batches_tracked!.item<long>());
        float expected = (x[0, 0, 0, 0].item<float>() - 0.1f * mean) / MathF.Sqrt(0.9f + 0.1f * variance + 1e-5f);
        Assert.Equal(expected, rested[0, 0, 0, 0].item<float>(), 1e-4f);
        Assert.Contains("[4, 3, 2, 2]", Assert.Throws<ArgumentException>(() => norm.call(randn([4, 3, 2, 2]))).Message);
    }

    [Fact]
    public void StateRoundTripMakesTwoNetsAgree()
    {
        using Net one = new(), two = new();
        one.call(randn([2, 3, 8, 8]));
        one.eval();
        two.eval();
        var x = randn([2, 3, 8, 8]);
        Assert.NotEqual(one.call(x).data<float>().ToArray(), two.call(x).data<float>().ToArray());
        var (missing, unexpected) = two.load_state_dict(one.state_dict());
        Assert.Empty(missing);
        Assert.Empty(unexpected);
        Assert.Equal(one.call(x).data<float>().ToArray(), two.call(x).data<float>().ToArray());
    }

    [Fact]
    public void AStateThatDoesNotFitIsReportedAndChangesNothing()
    {
        using Net net = new(), other = new();
        var state = other.state_dict();
        state.Remove("stem.bias");
        state["neck.weight"] = ones([1]);
        state["head.weight"] = ones([7, 4]);
        float[] before = net.state_dict()["head.bias"].data<float>().ToArray();

        var error = Assert.Throws<InvalidOperationException>(() => net.load_state_dict(state));
        Assert.Contains("Net", error.Message);
        Assert.Contains("Missing from the state (1): stem.bias.", error.Message);
        Assert.Contains("Unexpected in the state (1): neck.weight.", error.Message);
        Assert.Contains("head.weight is [3, 4] here and [7, 4] in the state", error.Message);
        Assert.Contains("head.weight", Assert.Throws<InvalidOperationException>(() => net.load_state_dict(state, strict: false)).Message);
        Assert.Equal(before, net.state_dict()["head.bias"].data<float>().ToArray());

        var (missing, unexpected) = net.load_state_dict(state, strict: false, skip: ["head.weight"]);
        Assert.Equal(["stem.bias"], missing);
        Assert.Equal(["neck.weight"], unexpected);
        Assert.Equal(state["head.bias"].data<float>().ToArray(), net.state_dict()["head.bias"].data<float>().ToArray());
    }

    [Fact]
    public void ConvertingKeepsTheObjectsAndTheType()
    {
        using var net = new Net();
        var before = net.parameters().ToArray();
        before[0].grad = ones_like(before[0]);
        Net converted = net.to(ScalarType.Float64).to(CPU);
        Assert.Same(net, converted);
        Assert.Equal(before, net.parameters(), ReferenceEqualityComparer.Instance);
        Assert.All(net.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.dtype));
        Assert.All(net.parameters(), parameter => Assert.True(parameter is { requires_grad: true, is_leaf: true }));
        Assert.Equal(ScalarType.Float64, before[0].grad!.dtype);
        Assert.Equal(ScalarType.Int64, net.state_dict()["bn.num_batches_tracked"].dtype);
        Assert.Equal(ScalarType.Float64, net.state_dict()["bn.running_mean"].dtype);
        net.zero_grad();
        net.call(randn([2, 3, 8, 8], ScalarType.Float64)).sum().backward();
        Assert.Equal(ScalarType.Float64, before[0].grad!.dtype);
        Assert.Contains("Int32", Assert.Throws<ArgumentException>(() => net.to(ScalarType.Int32)).Message);
    }

    [Fact]
    public void TrainingModeReachesEveryModule()
    {
        using var net = new Net();
        net.eval();
        Assert.All(net.modules(), module => Assert.False(module.training));
        net.train();
        Assert.All(net.modules().Append(net), module => Assert.True(module.training));
        int visited = 0;
        net.apply(_ => visited++);
        Assert.Equal(net.modules().Count() + 1, visited);
    }

    [Fact]
    public void ParametersOutliveTheScopeAndDieWithTheModule()
    {
        Linear layer;
        using (NewDisposeScope()) layer = nn.Linear(2, 2);
        Assert.False(layer.weight.IsInvalid);
        layer.Dispose();
        Assert.True(layer.weight.IsInvalid);
    }

    [Fact]
    public void SharedParametersAreListedOnceAndKeptUnderBothKeys()
    {
        var one = nn.Linear(2, 2);
        var twice = nn.Sequential(one, one);
        Assert.Equal(2, twice.parameters().Count());
        Assert.Equal(4, twice.state_dict().Count);
    }

    [Fact]
    public void SequentialDisposesWhatLiesBetweenButNotTheInput()
    {
        using var chain = nn.Sequential(nn.ReLU(), nn.Identity(), nn.ReLU());
        using var outer = NewDisposeScope();
        var input = ones([2]);
        int before = outer.DisposablesCount;
        var output = chain.call(input);
        Assert.Equal(before + 1, outer.DisposablesCount);
        Assert.Equal([1f, 1], output.data<float>().ToArray());
        Assert.False(input.IsInvalid);
    }

    [Fact]
    public void NamesAreCheckedBySentence()
    {
        var list = nn.ModuleList<Linear>();
        Assert.Contains("\"a.b\"", Assert.Throws<ArgumentException>(() => list.register_module("a.b", nn.ReLU())).Message);
        list.Add(nn.Linear(1, 1));
        Assert.Contains("already has a component named \"0\"", Assert.Throws<InvalidOperationException>(() => list.register_buffer("0", ones([1]))).Message);
        Assert.Contains("[field: ComponentName(Name = \"Proj\")]", Assert.Throws<InvalidOperationException>(() => new Careless()).Message);
    }

    [Fact]
    public void AParameterMustBeALeaf()
    {
        var computed = ones([2]).requires_grad_() * 2;
        Assert.Contains("detach", Assert.Throws<ArgumentException>(() => nn.Parameter(computed)).Message);
        Assert.True(nn.Parameter(computed.detach()).requires_grad);
    }

    [Fact]
    public void InitialValuesHavePyTorchsSpread()
    {
        var linear = nn.Linear(100, 400);
        double bound = 1 / Math.Sqrt(100);
        Assert.InRange(linear.weight.abs().max().item<float>(), 0.99 * bound, bound);
        Assert.Equal(bound / Math.Sqrt(3), linear.weight.std().item<float>(), 0.01 * bound);
        Assert.InRange(linear.bias!.abs().max().item<float>(), 0.9 * bound, bound);
        Assert.InRange(nn.Conv2d(3, 64, 7).weight.abs().max().item<float>(), 0.99 / Math.Sqrt(147), 1 / Math.Sqrt(147));
        Assert.InRange(nn.Conv2d(8, 64, 3, groups: 4).weight.abs().max().item<float>(), 0.98 / Math.Sqrt(18), 1 / Math.Sqrt(18));

        var w = empty([300, 500], ScalarType.Float64);
        double Deviation(Tensor t) => t.std().item<double>();
        Assert.Equal(0.02, Deviation(nn.init.trunc_normal_(w, std: 0.02)), 2e-4);
        Assert.Equal(0, w.mean().item<double>(), 5e-4);
        Assert.InRange(nn.init.trunc_normal_(w, std: 1, a: -0.5, b: 0.5).abs().max().item<double>(), 0.499, 0.5);
        Assert.Equal(0.5, nn.init.trunc_normal_(w, mean: 0.5, std: 0.02).mean().item<double>(), 5e-4);
        Assert.Equal(Math.Sqrt(2.0 / 800), Deviation(nn.init.xavier_normal_(w)), 5e-4);
        Assert.Equal(Math.Sqrt(2.0 / 800), Deviation(nn.init.xavier_uniform_(w)), 5e-4);
        Assert.Equal(Math.Sqrt(2.0 / 300), Deviation(nn.init.kaiming_normal_(w, mode: nn.init.FanInOut.FanOut, nonlinearity: nn.init.NonlinearityType.ReLU)), 1e-3);
        Assert.Equal(Math.Sqrt(2.0 / 500), Deviation(nn.init.kaiming_uniform_(w)), 1e-3);
        Assert.Equal(3, nn.init.constant_(w, 3).mean().item<double>());
        Assert.Equal(5.0 / 3, nn.init.calculate_gain(nn.init.NonlinearityType.Tanh));
        Assert.Contains("[4]", Assert.Throws<ArgumentException>(() => nn.init.xavier_uniform_(ones([4]))).Message);
    }
}
