using System.Diagnostics;
using PatchKit.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>
/// `patchkit bench engine`: what a call of TorchSharp costs beside the same call in Python torch,
/// and what a ViT-Tiny-like training step costs beside the same step in Python torch, whichever version is installed.
/// </summary>
internal static class EngineBench
{
    private const int Calls = 200_000,
        Steps = 6;

    internal static BenchResult Run(int pairs)
    {
        int cores = get_num_threads();
        try
        {
            set_num_threads(1);
            using var python = PythonPeer.Start("engine_peer.py");
            if (python is not null)
                return new BenchResult([.. BesidePython(python, pairs, cores)]);
            Console.WriteLine("No python3 here can import torch: ours is measured alone.");
            return new BenchResult([], [.. Alone(cores)]);
        }
        finally
        {
            set_num_threads(cores);
        }
    }

    private static IEnumerable<Figure> Alone(int cores)
    {
        Tensor a = ones([1]),
            b = ones([1]),
            g = ones([1], requires_grad: true);
        yield return new Figure("1-element add", Nanoseconds(Calls, () => (a + b).Dispose()), "ns");
        yield return new Figure("1-element add with grad", Nanoseconds(Calls, () => (g + b).Dispose()), "ns");
        foreach (int threads in new[] { 1, cores }.Distinct())
        {
            var step = new TrainingStep();
            set_num_threads(threads);
            step.Run();
            yield return new Figure($"training step, {threads} thread(s)", Nanoseconds(Steps, step.Run) / 1e6, "ms");
        }
    }

    private static IEnumerable<Measurement> BesidePython(PythonPeer python, int pairs, int cores)
    {
        string peer = $"Python torch {python.Version}";
        Tensor a = ones([1]),
            b = ones([1]),
            g = ones([1], requires_grad: true);
        yield return Measurement.Pairs(
            "1-element add",
            peer,
            "ns",
            pairs,
            () => Nanoseconds(Calls, () => (a + b).Dispose()),
            () => python.Ask($"add {Calls}"),
            limit: 1.0
        );
        yield return Measurement.Pairs(
            "1-element add with grad",
            peer,
            "ns",
            pairs,
            () => Nanoseconds(Calls, () => (g + b).Dispose()),
            () => python.Ask($"add-grad {Calls}"),
            limit: 1.0
        );
        foreach (int threads in new[] { 1, cores }.Distinct())
        {
            var step = new TrainingStep();
            yield return Measurement.Pairs(
                $"training step, {threads} thread(s)",
                peer,
                "ms",
                pairs,
                () =>
                {
                    set_num_threads(threads);
                    return Nanoseconds(Steps, step.Run) / 1e6;
                },
                () => python.Ask($"step{threads} {Steps}"),
                limit: 1.0
            );
        }
    }

    /// <summary>Nanoseconds per call of a body.</summary>
    internal static double Nanoseconds(int calls, Action body)
    {
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < calls; i++)
            body();
        return watch.Elapsed.TotalNanoseconds / calls;
    }

    /// <summary>
    /// One step of two pre-norm transformer blocks of ViT-Tiny's width on 65 tokens; engine_peer.py holds the same in
    /// Python.
    /// </summary>
    private sealed class TrainingStep
    {
        private const int B = 16,
            L = 65,
            D = 192,
            Depth = 2,
            Classes = 10;

        private readonly nn.Module<Tensor, Tensor> _model;
        private readonly optim.Optimizer _optimizer;
        private readonly Linear _head;
        private readonly Tensor _x,
            _y;

        internal TrainingStep()
        {
            manual_seed(0);
            _model = nn.Sequential([.. Enumerable.Range(0, Depth).Select(_ => new Block())]);
            _head = nn.Linear(D, Classes);
            _optimizer = new FusedAdamW([.. _model.parameters(), .. _head.parameters()], lr: 1e-3, weight_decay: 0.05);
            (_x, _y) = (randn([B, L, D]), randint(0, Classes, [B]));
        }

        internal void Run()
        {
            using var scope = NewDisposeScope();
            _optimizer.zero_grad();
            var loss = nn.functional.cross_entropy(_head.call(_model.call(_x).select(1, 0)), _y);
            loss.backward();
            _optimizer.step();
        }

        private sealed class Block : nn.Module<Tensor, Tensor>
        {
            private const int Heads = 3;

            private readonly LayerNorm norm1 = nn.LayerNorm([D]),
                norm2 = nn.LayerNorm([D]);
            private readonly Linear qkv = nn.Linear(D, 3 * D),
                proj = nn.Linear(D, D),
                fc1 = nn.Linear(D, 4 * D),
                fc2 = nn.Linear(4 * D, D);

            internal Block()
                : base("Block") => RegisterComponents();

            // The scope frees what autograd does not keep as soon as the block is done, as Python's reference counts
            // do.
            public override Tensor forward(Tensor x)
            {
                using var scope = NewDisposeScope();
                // 3 x (B, H, L, D/H)
                var heads = qkv.call(norm1.call(x)).reshape(B, L, 3, Heads, D / Heads).permute(2, 0, 3, 1, 4).unbind(0);
                var queries = heads[0] * Math.Pow(D / Heads, -0.5); // (B, H, L, D/H)
                var weights = queries.matmul(heads[1].transpose(-2, -1)).softmax(-1); // (B, H, L, L)
                x = x + proj.call(weights.matmul(heads[2]).transpose(1, 2).reshape(B, L, D)); // (B, L, D)
                return (x + fc2.call(nn.functional.gelu(fc1.call(norm2.call(x))))).MoveToOuterDisposeScope();
            }
        }
    }
}
