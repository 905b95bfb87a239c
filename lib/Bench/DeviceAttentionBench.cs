using System.Globalization;
using PatchKit.Ops;
using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>
/// `patchkit bench attention --device D`: attention as the models call it on a device, forward and backward, beside
/// PyTorch's scaled_dot_product_attention, and the share of the device's own speed that it reaches.
/// </summary>
/// <param name="Device">The device.</param>
/// <param name="Dtype">Of queries, keys and values.</param>
/// <param name="Batch">B.</param>
/// <param name="Heads">H.</param>
/// <param name="Length">L.</param>
/// <param name="HeadDim">D.</param>
/// <param name="Pairs">Interleaved measurements of each.</param>
internal sealed record DeviceAttentionBench(
    Device Device,
    ScalarType Dtype,
    int Batch,
    int Heads,
    int Length,
    int HeadDim,
    int Pairs
)
{
    private const double OverPeer = 1.05;

    internal BenchResult Run()
    {
        if (Batch < 1 || Heads < 1 || Length < 1 || HeadDim < 1 || Pairs < 1)
            throw new ArgumentException(
                $"attention of {Batch} x {Heads} heads over {Length} tokens of {HeadDim}, measured {Pairs} "
                    + "times, has nothing to do; give sizes of at least 1."
            );
        using var scope = NewDisposeScope();
        Engine.Seed(0);
        Tensor[] inputs = [Random().requires_grad_(), Random().requires_grad_(), Random().requires_grad_()];
        var ours = new Workload(() => Attention.Scaled(inputs[0], inputs[1], inputs[2]), inputs, Random());
        bool onGpu = Device.type == DeviceType.CUDA;
        string subject = $"attention, B={Batch} H={Heads} L={Length} D={HeadDim}, {Dtype}";
        var rows = new List<Measurement>();
        var figures = new List<Figure>();
        using var python = PythonPeer.Start("attention_peer.py");
        if (
            python is null
            || double.IsNaN(
                python.Ask(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"load {Device} {PythonPeer.Name(Dtype)} {Batch} {Heads} {Length} {HeadDim}"
                    )
                )
            )
        )
        {
            Console.WriteLine(
                "No python3 here has a PyTorch with scaled_dot_product_attention: ours is measured alone."
            );
            ours.Milliseconds();
            figures.Add(
                new(subject, Measurement.Median([.. Enumerable.Range(0, Pairs).Select(_ => ours.Milliseconds())]), "ms")
            );
        }
        else
        {
            rows.Add(
                Measurement.Pairs(
                    subject,
                    $"PyTorch {python.Version}'s",
                    "ms",
                    Pairs,
                    ours.Milliseconds,
                    () => python.Ask("run"),
                    onGpu ? OverPeer : null
                )
            );
        }
        double took = rows.Count > 0 ? Measurement.Median(rows[0].Ours) : figures[0].Value;
        var rates = DeviceRates.Measure(Device, Dtype);
        // q k^T and the weighted sum forward, each with two more backward; the operands forward, and with their
        // gradients backward.
        double tokens = (double)Batch * Heads * Length,
            flops = 3 * 2 * 2.0 * tokens * Length * HeadDim,
            bytes = (4 + 8) * tokens * HeadDim * (Dtype == ScalarType.Float32 ? 4 : 2);
        figures.Add(new($"{Device}: a matrix product, {Dtype}", rates.FlopsPerSecond / 1e12, "TFLOP/s"));
        figures.Add(new("attention's least", rates.Milliseconds(bytes, flops), "ms"));
        figures.Add(new("  share of that speed reached", 100 * rates.Milliseconds(bytes, flops) / took, "%"));
        return new BenchResult(rows, figures);

        Tensor Random() => randn([Batch, Heads, Length, HeadDim], Dtype, Device);
    }
}
