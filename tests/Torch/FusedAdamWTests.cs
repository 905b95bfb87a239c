using PatchKit.Torch;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>The fused AdamW beside TorchSharp's own: the same weights, state, groups, schedules and files.</summary>
public sealed class FusedAdamWTests : IDisposable
{
    private const int Steps = 20;

    private readonly DisposeScope _scope = NewDisposeScope();

    public FusedAdamWTests() => manual_seed(0);

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.Float64, 1e-12)]
    public void ItIsTorchSharpsAdamW(ScalarType dtype, double tolerance)
    {
        var (ours, theirs) = Twins(dtype);
        using var fused = new FusedAdamW(Groups(ours), 1e-2, 0.8, 0.95, 1e-6, 0.1);
        using var own = new AdamW(Groups(theirs), 1e-2, 0.8, 0.95, 1e-6, 0.1);
        Run(fused, ours, own, theirs, tolerance);
    }

    [Theory, InlineData(true, false), InlineData(false, true), InlineData(true, true)]
    public void AmsgradAndMaximizeToo(bool amsgrad, bool maximize)
    {
        var (ours, theirs) = Twins(ScalarType.Float32);
        var options = new AdamW.Options { amsgrad = amsgrad, maximize = maximize };
        using var fused = new FusedAdamW([new AdamW.ParamGroup { Parameters = ours, Options = options }], 1e-2);
        using var own = new AdamW(
            [
                new AdamW.ParamGroup
                {
                    Parameters = theirs,
                    Options = new AdamW.Options { amsgrad = amsgrad, maximize = maximize },
                },
            ],
            1e-2
        );
        Run(fused, ours, own, theirs, 1e-6);
    }

    [Fact]
    public void ParametersWithoutGradientStayAndAgeAlone()
    {
        var (ours, _) = Twins(ScalarType.Float32);
        using var fused = new FusedAdamW(ours, weight_decay: 0.5);
        var before = ours[0].detach().clone();
        ours[1].grad = ones_like(ours[1]);
        fused.step();
        Expect.SameBits(before, ours[0].detach());
        Assert.Equal([0L, 1L, 0L], fused.state_dict().State.Select(state => ((AdamW.State)state).step));
    }

    [Fact]
    public void SchedulesAndClosuresWork()
    {
        var (ours, theirs) = Twins(ScalarType.Float32);
        using var fused = new FusedAdamW(ours, 1e-2);
        using var own = new AdamW(theirs, 1e-2);
        optim.lr_scheduler.LRScheduler[] schedules =
        [
            optim.lr_scheduler.StepLR(fused, 2, 0.5),
            optim.lr_scheduler.StepLR(own, 2, 0.5),
        ];
        for (int step = 0; step < 6; step++)
        {
            Tensor Loss(Parameter[] parameters, optim.Optimizer optimizer)
            {
                optimizer.zero_grad();
                var loss = parameters.Select(parameter => parameter.square().sum()).Aggregate((a, b) => a + b);
                loss.backward();
                return loss;
            }
            Assert.Equal(
                own.step(() => Loss(theirs, own)).ToDouble(),
                fused.step(() => Loss(ours, fused)).ToDouble(),
                1e-4
            );
            foreach (var schedule in schedules)
                schedule.step();
            Assert.Equal(own.ParamGroups.Single().LearningRate, fused.ParamGroups.Single().LearningRate);
        }
        Same(ours, theirs, 1e-6);
    }

    [Fact]
    public void ResumedFromAFileItGoesOnAsIfNeverStopped()
    {
        string file = Path.GetTempFileName();
        try
        {
            var (ours, _) = Twins(ScalarType.Float32);
            using var fused = new FusedAdamW(ours, 0.05, weight_decay: 0.1);
            Downhill(ours, fused);
            var copies = ours.Select(parameter => new Parameter(parameter.detach().clone())).ToArray();
            using var resumed = new FusedAdamW(copies);
            fused.save_state_dict(file);
            resumed.load_state_dict(file);
            Downhill(ours, fused);
            Downhill(copies, resumed);
            foreach (var (one, other) in ours.Zip(copies))
                Expect.SameBits(one, other);
        }
        finally
        {
            File.Delete(file);
        }

        static void Downhill(Parameter[] parameters, FusedAdamW optimizer)
        {
            for (int step = 0; step < 3; step++)
            {
                optimizer.zero_grad();
                foreach (var parameter in parameters)
                    parameter.square().sum().backward();
                optimizer.step();
            }
        }
    }

    [Fact]
    public void GradientsAreDroppedAndStepsLeaveNothingBehind()
    {
        var (ours, _) = Twins(ScalarType.Float32);
        using var fused = new FusedAdamW(ours);
        foreach (var parameter in ours)
            parameter.grad = ones_like(parameter);
        fused.step();
        Garbage.Collect();
        long live = Tensor.TotalCount;
        for (int step = 0; step < 5; step++)
            fused.step();
        Assert.Equal(live, Tensor.TotalCount);
        fused.zero_grad();
        Assert.All(ours, parameter => Assert.Null(parameter.grad));
    }

    private static AdamW.ParamGroup[] Groups(Parameter[] parameters) =>
        [
            new()
            {
                Parameters = parameters[..1],
                Options = new AdamW.Options { weight_decay = 0, LearningRate = 3e-3 },
            },
            new() { Parameters = parameters[1..] },
        ];

    // Gradients come and go, so that parameters are of different ages.
    private static void Run(FusedAdamW fused, Parameter[] ours, AdamW own, Parameter[] theirs, double tolerance)
    {
        for (int step = 0; step < Steps; step++)
        {
            for (int i = 0; i < ours.Length; i++)
            {
                var gradient = (step + i) % 3 == 0 ? null : randn_like(ours[i]);
                (ours[i].grad, theirs[i].grad) = (gradient?.clone(), gradient?.clone());
            }
            fused.step();
            own.step();
            Same(ours, theirs, tolerance);
        }
        var states = fused
            .state_dict()
            .State.Zip(own.state_dict().State)
            .Select(pair => ((AdamW.State)pair.First, (AdamW.State)pair.Second));
        Assert.All(states, pair => Assert.Equal(pair.Item2.step, pair.Item1.step));
        Same(
            [.. states.Select(pair => pair.Item1.exp_avg_sq)],
            [.. states.Select(pair => pair.Item2.exp_avg_sq)],
            tolerance
        );
    }

    private static (Parameter[] Ours, Parameter[] Theirs) Twins(ScalarType dtype)
    {
        Tensor[] values = [randn([4, 3], dtype), randn([7], dtype), randn([2, 3, 5], dtype)];
        return (
            Array.ConvertAll(values, value => new Parameter(value.clone())),
            Array.ConvertAll(values, value => new Parameter(value.clone()))
        );
    }

    private static void Same(Tensor[] ours, Tensor[] theirs, double tolerance)
    {
        foreach (var (one, other) in ours.Zip(theirs))
            Assert.InRange((one.detach() - other.detach()).abs().max().ToDouble(), 0, tolerance);
    }
}
