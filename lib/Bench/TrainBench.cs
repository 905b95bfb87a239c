using System.Diagnostics;
using PatchKit.Checkpoints;
using PatchKit.Data;
using PatchKit.Models;
using PatchKit.Training;
using PatchKit.Training.Loop;
using PatchKit.Training.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>
/// `patchkit bench train`: a training step of recipe teach (forward, backward, clipping, AdamW, by the trainer itself)
/// of the small nets on 64 generated images of 16 x 16 pixels, beside the same nets as a user of Python torch writes
/// them, from the same weights, whichever version is installed. Both find the same losses; ours leaves out of the last
/// block the tokens that the head does not read, which the plain way computes.
/// </summary>
internal sealed class TrainBench : IDisposable
{
    private const int ImageSize = 16,
        Images = 64,
        StepsCompared = 4;

    private static readonly Recipe s_recipe = Small.Teach with
    {
        Epochs = 1,
        BaseLearningRate = 1e-3,
        MinLearningRate = 1e-3,
        WarmupEpochs = 0,
    };

    private readonly Batch _batch = new MultiScaleBits(0).Batch(0, Images);
    private readonly int _pairs,
        _cores = get_num_threads();
    private readonly PythonPeer? _python = PythonPeer.Start("peer_tensors.py", "train_peer.py");

    private TrainBench(int pairs) => _pairs = pairs;

    internal static BenchResult Run(int pairs)
    {
        int cores = get_num_threads();
        using var bench = new TrainBench(pairs);
        try
        {
            return bench.Run();
        }
        finally
        {
            set_num_threads(cores);
        }
    }

    public void Dispose()
    {
        _batch.Dispose();
        _python?.Dispose();
    }

    private BenchResult Run()
    {
        if (_python is null)
            Console.WriteLine("No python3 here can import torch: ours is measured alone.");
        var (rows, figures) = (new List<Measurement>(), new List<Figure>());
        foreach (int patch in new[] { 8, 4, 2 })
            Measure("vit", patch, SmallNet.Vit(ImageSize, patch, Classes), limit: 1);
        foreach (int patch in new[] { 8, 4, 2 })
            Measure("adventurer", patch, SmallNet.Adventurer(ImageSize, patch, Classes), limit: 1 / 2.0);
        return new BenchResult(rows, figures);

        void Measure(string family, int patch, BackboneConfig config, double limit)
        {
            manual_seed(0);
            using var model = config.Create();
            string name = $"{family}-{patch}";
            if (_python is not null)
                MustAgree(name, model, _python);
            int steps = patch == 2 ? 4 : 16;
            foreach (int threads in new[] { 1, _cores }.Distinct())
            {
                string subject = $"small {family}, p = {patch}, {threads} thread(s)";
                if (_python is not null)
                    rows.Add(
                        Measurement.Pairs(
                            subject,
                            $"Python torch {_python.Version}",
                            "ms",
                            _pairs,
                            Ours,
                            () => _python.Ask($"train {name} {threads} {steps}"),
                            limit
                        )
                    );
                else
                    figures.Add(new Figure(subject, Alone(Ours), "ms"));

                double Ours()
                {
                    set_num_threads(threads);
                    return Train(model, steps);
                }
            }
        }
    }

    private static int Classes => new MultiScaleBitsOptions().Classes;

    private double Alone(Func<double> ours)
    {
        ours();
        return Measurement.Median([.. Enumerable.Range(0, _pairs).Select(_ => ours())]);
    }

    /// <summary>Milliseconds per step of so many.</summary>
    private double Train(Backbone model, int steps)
    {
        using var trainer = Trainer.Of(
            model,
            s_recipe with
            {
                EpochImages = steps * Images,
            },
            new SameBatch(_batch, steps),
            new TrainerOptions()
        );
        var watch = Stopwatch.StartNew();
        trainer.Train();
        return watch.Elapsed.TotalMilliseconds / steps;
    }

    /// <summary>
    /// Gives the peer the model's weights, and throws unless both find the same loss, at once and after some steps.
    /// </summary>
    private void MustAgree(string name, Backbone model, PythonPeer python)
    {
        string file = Path.Combine(Directory.CreateTempSubdirectory("patchkit-bench-").FullName, "weights.safetensors");
        try
        {
            Safetensors.Write(
                file,
                [
                    .. model.state_dict().Select(entry => KeyValuePair.Create(entry.Key, entry.Value)),
                    new("images", _batch.Images),
                    new("labels", _batch.Labels),
                ]
            );
            Measurement.MustBeNear($"{name}'s loss", Loss(model), python.Ask($"load {name} {file}"), 1e-4);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
        Train(model, StepsCompared);
        python.Ask($"train {name} {_cores} {StepsCompared}");
        Measurement.MustBeNear(
            $"{name}'s loss after {StepsCompared} steps",
            Loss(model),
            python.Ask($"loss {name}"),
            1e-3
        );
    }

    private double Loss(Backbone model)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        return nn.functional.cross_entropy(model.call(_batch.Images), _batch.Labels).ToDouble();
    }

    /// <summary>The same images at every step.</summary>
    private sealed class SameBatch(Batch batch, int steps) : TrainingData
    {
        public override int Classes => TrainBench.Classes;

        public override long EpochImages => (long)steps * Images;

        public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation)
        {
            for (int step = firstStep; step < steps; step++)
                yield return new Batch(batch.Images.alias(), batch.Labels.alias());
        }

        public override IEnumerable<Batch> Test(CancellationToken cancellation) => [];
    }
}
