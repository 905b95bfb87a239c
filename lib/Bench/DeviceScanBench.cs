using System.Globalization;
using PatchKit.Ops;
using PatchKit.Torch;
using PatchKit.Torch.Calls;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Bench;

/// <summary>
/// `patchkit bench scan --device D`: the fused selective scan on a device, forward and backward, beside its chunked
/// form there, beside mamba_ssm's Triton kernel and ssd_minimal's maths in eager PyTorch where python3 has them, and
/// the share of the device's own speed that it reaches. The inputs are those of a layer with one group, D and softplus.
/// </summary>
/// <param name="Device">The device.</param>
/// <param name="Dtype">Of x, B and C; step sizes, decays and skip are float32.</param>
/// <param name="Batch">Sequences, b.</param>
/// <param name="Length">Tokens, l.</param>
/// <param name="Heads">Heads, h.</param>
/// <param name="HeadDim">p.</param>
/// <param name="StateDim">n.</param>
/// <param name="Pairs">Interleaved measurements of each.</param>
internal sealed record DeviceScanBench(
    Device Device,
    ScalarType Dtype,
    int Batch,
    int Length,
    int Heads,
    int HeadDim,
    int StateDim,
    int Pairs
)
{
    private const double OverTriton = 1,
        OverChunked = 1 / 4.0;

    internal BenchResult Run()
    {
        if (Batch < 1 || Length < 1 || Heads < 1 || HeadDim < 1 || StateDim < 1 || Pairs < 1)
            throw new ArgumentException(
                $"a scan of {Batch} x {Length} tokens, {Heads} heads of {HeadDim} and state {StateDim}, "
                    + $"measured {Pairs} times, has nothing to do; give sizes of at least 1."
            );
        using var scope = NewDisposeScope();
        Engine.Seed(0);
        Tensor[] inputs =
        [
            Leaf(Dtype, Batch, Length, Heads, HeadDim),
            Leaf(ScalarType.Float32, Batch, Length, Heads),
            (-rand([Heads], device: Device) - .1).requires_grad_(),
            Leaf(Dtype, Batch, Length, 1, StateDim),
            Leaf(Dtype, Batch, Length, 1, StateDim),
            Leaf(ScalarType.Float32, Heads),
            Leaf(ScalarType.Float32, Heads),
        ];
        var gradient = randn(inputs[0].shape, Dtype, Device);
        Workload fused = Over(SsdScan.Scan),
            chunked = Over(
                (x, dt, A, B, C, D, z, bias, softplus, state) =>
                    SsdScan.Chunked(Wide(x), dt, A, Wide(B), Wide(C), D, z, bias, softplus, state)
            );
        if (!KernelTarget.Has(Device))
            Console.WriteLine(
                $"There is no fused scan on {Device} here (`patchkit doctor` says why): what is called "
                    + "fused is the chunked form."
            );
        chunked.MustEqual(fused, "the chunked and the fused scan", Dtype == ScalarType.Float32 ? 1e-2 : 5e-2);

        string subject = $"fused, b={Batch} l={Length} h={Heads} p={HeadDim} n={StateDim}, {Dtype}";
        bool promised = Device.type == DeviceType.CUDA;
        var rows = new List<Measurement>
        {
            Measurement.Pairs(
                subject,
                "chunked, float32",
                "ms",
                Pairs,
                fused.Milliseconds,
                chunked.Milliseconds,
                promised ? OverChunked : null
            ),
        };
        using var python = PythonPeer.Start("device_scan_peer.py");
        if (python is null)
            Console.WriteLine("No python3 here can import torch: its rows are left out.");
        else
        {
            python.Ask(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"load {Device} {PythonPeer.Name(Dtype)} {Batch} {Length} {Heads} {HeadDim} {StateDim}"
                )
            );
            Beside("triton", "mamba_ssm's Triton kernel", OverTriton);
            Beside("chunked", $"ssd_minimal's maths, PyTorch {python.Version}", OverChunked);
        }
        double took = Measurement.Median(rows[0].Ours);
        var rates = DeviceRates.Measure(Device, Dtype);
        return new BenchResult(
            rows,
            [
                new($"{Device}: copies", rates.BytesPerSecond / 1e9, "GB/s"),
                new($"{Device}: a matrix product, {Dtype}", rates.FlopsPerSecond / 1e12, "TFLOP/s"),
                new(
                    "the scan's least: its operands once, its products in chunks",
                    rates.Milliseconds(Bytes, Flops),
                    "ms"
                ),
                new("  share of that speed reached", 100 * rates.Milliseconds(Bytes, Flops) / took, "%"),
            ]
        );

        Workload Over(Form form) =>
            new(
                () =>
                    Value(
                        form(
                            inputs[0],
                            inputs[1],
                            inputs[2],
                            inputs[3],
                            inputs[4],
                            inputs[5],
                            null,
                            inputs[6],
                            true,
                            null
                        )
                    ),
                inputs,
                gradient
            );

        void Beside(string form, string title, double most)
        {
            if (double.IsNaN(python.Ask(form)))
                Console.WriteLine($"{title} cannot be had here: its row is left out.");
            else
                rows.Add(
                    Measurement.Pairs(
                        subject,
                        title,
                        "ms",
                        Pairs,
                        fused.Milliseconds,
                        () => python.Ask(form),
                        promised ? most : null
                    )
                );
        }
    }

    private delegate (Tensor Y, Tensor FinalState) Form(
        Tensor x,
        Tensor dt,
        Tensor A,
        Tensor B,
        Tensor C,
        Tensor? D,
        Tensor? z,
        Tensor? dtBias,
        bool dtSoftplus,
        Tensor? initialState
    );

    /// <summary>
    /// Bytes that must move: forward reads the inputs and writes y; backward reads them and y's gradient, and writes
    /// theirs.
    /// </summary>
    private double Bytes
    {
        get
        {
            double element = Dtype == ScalarType.Float32 ? 4 : 2,
                tokens = (double)Batch * Length;
            double x = tokens * Heads * HeadDim * element,
                inputs = x + tokens * (2 * StateDim * element + 4 * Heads);
            return inputs + x + (inputs + x) + inputs;
        }
    }

    /// <summary>
    /// Operations of the products in chunks: C B^T, the mixing of inputs, writing and reading the state; each has two
    /// more in the backward pass.
    /// </summary>
    private double Flops =>
        3
        * 2.0
        * Batch
        * Length
        * (SsdScan.ChunkSize * StateDim + Heads * (SsdScan.ChunkSize * HeadDim + 2.0 * HeadDim * StateDim));

    private Tensor Leaf(ScalarType dtype, params long[] shape) => randn(shape, dtype, Device, requires_grad: true);

    private static Tensor Wide(Tensor values) =>
        values.dtype == ScalarType.Float32 ? values : values.to(ScalarType.Float32);

    private Tensor Value((Tensor Y, Tensor FinalState) result)
    {
        result.FinalState.Dispose();
        return result.Y.dtype == Dtype ? result.Y : result.Y.to(Dtype);
    }
}
