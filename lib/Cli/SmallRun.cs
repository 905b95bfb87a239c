using PatchKit.Data;
using PatchKit.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>
/// A small ViT in training: AdamW (.9, .99), weight decay .05 on matrices, learning rate 2e-3 after a warm-up of a tenth of the steps,
/// then along a cosine to a hundredth, gradients clipped at norm 1.
/// </summary>
internal sealed class SmallRun : IDisposable
{
    private const double LearningRate = 2e-3;
    private readonly Backbone _model;
    private readonly AdamW _optimizer;
    private readonly int _steps;
    private int _step;

    internal SmallRun(int imageSize, int patchSize, int classes, int steps, long seed)
    {
        manual_seed(seed);
        (PatchSize, _steps) = (patchSize, steps);
        _model = SmallNet.Vit(imageSize, patchSize, classes).Create();
        var decayed = _model.named_parameters().ToLookup(p => p.parameter.ndim > 1 && p.name is not ("pos_embed" or "cls_token"), p => p.parameter);
        _optimizer = optim.AdamW([Group(decayed[true], .05), Group(decayed[false], 0)]);

        static AdamW.ParamGroup Group(IEnumerable<Parameter> parameters, double decay) => new([.. parameters], LearningRate, .9, .99, weight_decay: decay);
    }

    internal int PatchSize { get; }

    /// <summary>The loss of the first batch.</summary>
    internal double FirstLoss { get; private set; }

    /// <summary>The loss, averaged over the last twenty batches or so.</summary>
    internal double Loss { get; private set; }

    /// <summary>One training step.</summary>
    internal void Train(Batch batch)
    {
        using var scope = NewDisposeScope();
        foreach (var group in _optimizer.ParamGroups) group.LearningRate = LearningRate * Schedule(_step, _steps);
        var loss = nn.functional.cross_entropy(_model.call(batch.Images), batch.Labels);
        _optimizer.zero_grad();
        loss.backward();
        nn.utils.clip_grad_norm_(_model.parameters(), 1);
        _optimizer.step();
        double now = loss.item<float>(), weight = Math.Max(.05, 1.0 / ++_step);      // a plain mean at first
        if (_step == 1) FirstLoss = now;
        Loss += weight * (now - Loss);
    }

    /// <summary>The mean loss, the accuracy, and the accuracy of each bit, coarse to fine, on the first images of a set of all four scales.</summary>
    internal (double Loss, double Accuracy, double[] Bits) Test(MultiScaleBits set, int count, CancellationToken stop)
    {
        const int atOnce = 250;
        double loss = 0, right = 0;
        var bits = new double[4];
        _model.eval();
        using var recording = no_grad();
        for (int first = 0; first < count; first += atOnce)
        {
            stop.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var batch = set.Batch(first, Math.Min(atOnce, count - first));
            var scores = _model.call(batch.Images);                                  // (B, classes)
            loss += nn.functional.cross_entropy(scores, batch.Labels, reduction: nn.Reduction.Sum).item<float>();
            foreach (var (guess, label) in scores.argmax(1).data<long>().Zip(batch.Labels.data<long>()))
            {
                long wrong = guess ^ label;                                          // the class is its four bits
                if (wrong == 0) right++;
                for (int bit = 0; bit < 4; bit++) bits[bit] += 1 - (wrong >> (3 - bit) & 1);
            }
        }
        return (loss / count, right / count, Array.ConvertAll(bits, n => n / count));
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
    }

    private static double Schedule(int step, int steps)
    {
        int warmUp = Math.Max(1, steps / 10);
        return step < warmUp ? (step + 1.0) / warmUp : .01 + .99 * (1 + Math.Cos(Math.PI * (step - warmUp) / (steps - warmUp))) / 2;
    }
}
